"""Fixture, marker, environment variables and report, as a tester's project sees them."""

import re
from textwrap import indent

import pytest
from projects import HERE, Project

from pytest_modelhub import ModelhubServer


@pytest.fixture(autouse=True)
def running(project: Project, server: ModelhubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the project use a server that runs already."""
    monkeypatch.setenv("MODELHUB_URL", f"{server.url}/")


def test_the_environment_variables_of_the_clients_are_set_during_the_test(project: Project) -> None:
    project.pytester.makepyfile(
        """
        import os

        NAMES = ["FI_BASE_URL", "FI_API_KEY", "FI_SECRET_KEY"]

        def test_during(modelhub):
            assert [os.environ[name] for name in NAMES] == [modelhub.url, modelhub.api_key, modelhub.secret_key]

        def test_of_a_missing_key(monkeypatch, modelhub):
            monkeypatch.delenv("FI_API_KEY")

        def test_after():
            assert not {*NAMES} & {*os.environ}
        """
    )
    project.run().assert_outcomes(passed=3)


def test_the_organization_of_a_test_is_gone_afterwards(project: Project) -> None:
    project.pytester.makepyfile(
        """
        KEPT = []

        def test_one(modelhub):
            KEPT.append(modelhub)
            assert modelhub.name == "test_the_organization_of_a_test_is_gone_afterwards.py::test_one"

        def test_two(modelhub):
            assert modelhub.id != KEPT[0].id
            assert KEPT[0].request("GET", "/model-hub/scores/").status == 401
        """
    )
    project.run().assert_outcomes(passed=2)


def test_markers_of_class_and_test_add_up(project: Project) -> None:
    project.pytester.makepyfile(
        """
        import pytest
        from datetime import datetime, timezone

        TONE = {"name": "Tone", "type": "star", "settings": {"no_of_stars": 3}}

        @pytest.mark.modelhub(labels=[TONE], now="2026-01-31T12:00:00Z")
        class TestMarked:
            def test_class(self, modelhub):
                assert modelhub.label("Tone")
                assert modelhub.clock.now() == datetime(2026, 1, 31, 12, tzinfo=timezone.utc)

            @pytest.mark.modelhub(now=datetime(2020, 1, 1, tzinfo=timezone.utc))
            @pytest.mark.modelhub(people=[{"email": "ada@{organization}.example"}])
            def test_both(self, modelhub):
                assert modelhub.label("Tone")
                assert modelhub.person("ada@{organization}.example").headers
                assert modelhub.clock.now().year == 2020
        """
    )
    project.run("--strict-markers").assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("marker", "sentence"),
    [
        ("seeds=7", "The marker modelhub has no 'seeds'; it has name, seed, now, labels, people, sources, scores."),
        ("7", "The marker modelhub takes names only, got (7,)."),
        ("labels=[{'name': 'x', 'type': 'colour'}]", "*POST /__admin/organizations: 400 *colour*"),
        ("labels=['Tone']", '*400 labels*must be an object, got "Tone"'),
        ("labels=3", "*POST /__admin/organizations: 400 labels *3*"),
        ("now='tomorrow'", "*POST /__admin/organizations: 400 *now*tomorrow*"),
    ],
)
def test_a_wrong_marker_is_one_sentence(project: Project, marker: str, sentence: str) -> None:
    project.pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.modelhub({marker})
        def test_marked(modelhub): ...
        """
    )
    result = project.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([sentence])


@pytest.mark.parametrize("arguments", [("-n0",), ("-n2",), ("-n2", "--dist", "loadgroup")], ids=["n0", "n2", "groups"])
def test_seeds_yield_the_same_ids_in_every_kind_of_run(project: Project, arguments: tuple[str, ...]) -> None:
    project.pytester.makepyfile(
        test_seeds="""
        import pytest

        pytestmark = [pytest.mark.modelhub(seed=7, now="2026-01-31T12:00:00Z"), pytest.mark.xdist_group("a")]

        @pytest.mark.parametrize("number", range(3))
        def test_seeded(modelhub, number):
            with open("ids.txt", "a") as file:
                print(number, modelhub.label("star"), file=file)
        """
    )
    for options in ((), arguments):
        project.run(*options, plugins=("xdist",)).assert_outcomes(passed=3)
    lines = (project.folder / "ids.txt").read_text().splitlines()
    assert len(lines) == 6
    assert len({*lines}) == len({line.split()[1] for line in lines}) == 3


def test_a_failed_test_shows_its_last_requests(project: Project) -> None:
    project.pytester.makepyfile(
        """
        def test_fails(modelhub):
            modelhub.faults.status(503, times=1)
            for notes in ("first", "long " * 200):
                body = {"source_type": "trace", "source_id": modelhub.source("trace"), "notes": notes, "scores": [
                    {"label_id": modelhub.label("star"), "value": {"rating": 4}}
                ]}
                modelhub.request("POST", "/model-hub/scores/bulk/", json=body)
            assert 0

        def test_passes(modelhub):
            modelhub.request("GET", "/model-hub/sources/")
        """
    )
    result = project.run("-rA")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- modelhub: last requests, newest first -*",
            "POST /model-hub/scores/bulk/ -> 201  * ms",
            "    sent: {*long long*... (* characters)",
            "    answer: {*",
            "POST /model-hub/scores/bulk/ -> 503  * ms  fault *",
            "    sent: {*first*}",
        ]
    )
    result.stdout.no_fnmatch_line("*/model-hub/sources/*")


UNUSED_FAULT = """
    import pytest

    def test_typo(modelhub):
        modelhub.faults.status(503, path="*/scores/bulk")
        modelhub.request("POST", "/model-hub/scores/bulk/?draft=1", json={})
        modelhub.request("GET", "/model-hub/scores/")
        %s
"""


@pytest.mark.parametrize("arguments", [(), ("-n2",)], ids=["alone", "n2"])
def test_a_fault_that_met_no_request_is_a_warning(project: Project, arguments: tuple[str, ...]) -> None:
    project.pytester.makepyfile(UNUSED_FAULT % "")

    result = project.run(*arguments, "-W", "always::pytest_modelhub.ModelhubWarning", plugins=("xdist",))
    result.assert_outcomes(passed=1, warnings=1)
    assert "test_a_fault_that_met_no_request_is_a_warning.py:3: ModelhubWarning: The fault" in result.stdout.str()
    assert (
        '{"status": 503} for {"path": "*/scores/bulk"} met no request. '
        "Requests: GET /model-hub/scores/, POST /model-hub/scores/bulk/."
    ) in result.stdout.str()


def test_a_fault_that_met_no_request_is_in_the_report_of_a_failed_test(project: Project) -> None:
    project.pytester.makepyfile(UNUSED_FAULT % "assert 0")

    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*- modelhub: faults that met no request -*", '{"status": 503} for {"path": "*/scores/bulk"}']
    )


@pytest.mark.parametrize(
    "end",
    [
        "modelhub.faults.clear()",
        "modelhub.faults.remove(modelhub.faults.list()[0])",
        "modelhub.faults.clear(), modelhub.faults.status(503, times=1), modelhub.request('GET', '/model-hub/scores/')",
        "modelhub.controls.call('DELETE', f'organizations/{modelhub.id}')",
        "modelhub.faults.clear(), modelhub.faults.add({'status': 503}, probability=0.5)",
        "pytest.skip()",
    ],
)
def test_other_faults_are_no_warning(project: Project, end: str) -> None:
    project.pytester.makepyfile(UNUSED_FAULT % end)

    outcome = "skipped" if "skip" in end else "passed"
    project.run().assert_outcomes(**{outcome: 1})


@pytest.mark.parametrize("arguments", [(), ("-n2",)], ids=["alone", "n2"])
def test_a_failure_in_setup_shows_the_requests(project: Project, arguments: tuple[str, ...]) -> None:
    project.pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def broken(modelhub):
            modelhub.request("GET", "/model-hub/scores/?page=2")
            raise RuntimeError

        def test_never_runs(broken): ...
        """
    )
    result = project.run(*arguments, plugins=("xdist",))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*modelhub: last requests*", "GET /model-hub/scores/[?]page=2 -> 404 *"])


def test_classes_of_unittest_use_the_fixture(project: Project) -> None:
    project.pytester.makepyfile(
        """
        import os
        import unittest
        import pytest

        @pytest.mark.usefixtures("modelhub")
        class Environment(unittest.TestCase):
            def test_environment(self):
                self.assertTrue(os.environ["FI_API_KEY"])

        class Attribute(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def use_modelhub(self, modelhub):
                self.modelhub = modelhub

            def test_scores(self):
                self.assertEqual(self.modelhub.scores(), [])
        """
    )
    project.run().assert_outcomes(passed=2)


def test_an_organization_of_a_module(project: Project) -> None:
    project.pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="module")
        def shared(modelhub_server):
            with modelhub_server.organization(seed="shared") as modelhub:
                yield modelhub

        @pytest.mark.parametrize("number", [1, 2])
        def test_shares(shared, number):
            assert shared.scores() == []
        """
    )
    project.run().assert_outcomes(passed=2)


def test_the_examples_of_the_readme_run(project: Project) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", (HERE / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    tests = [
        block if "def test" in block else f"def test_lines(modelhub):\n{indent(block, '    ')}" for block in blocks
    ]
    files = {
        f"test_{number}": f"from datetime import timedelta\nimport pytest\n{test}" for number, test in enumerate(tests)
    }
    project.pytester.makepyfile(**files)

    assert len(blocks) == 4
    project.run().assert_outcomes(passed=4)


def test_the_option_comes_before_the_variable(
    project: Project, server: ModelhubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELHUB_URL", "http://127.0.0.1:9")
    project.pytester.makepyfile("def test_one(modelhub): ...")
    project.run("--modelhub-url", server.url).assert_outcomes(passed=1)
