"""The README is true: its examples run on a first start, its picture and its numbers are current."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests import first_minute
from tests.servers import API_KEY, ROOT, SECRET_KEY, Server, data_folder, running_server
from tests.testing.examples import run_test_file

README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def first_start() -> Iterator[Server]:
    with data_folder() as folder, running_server(folder) as server:
        yield server


def run_example(server: Server, language: str, *command: str, secret_key: str = SECRET_KEY) -> tuple[int, str]:
    """Run an example of the README; return its exit status and its output."""
    match = re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert match
    script = match[1].replace("http://127.0.0.1:8000", server.base_url)
    for placeholder, name in (("your-source-uuid", "trace"), ("label-uuid-1", "star"), ("label-uuid-2", "categorical")):
        script = script.replace(placeholder, f"<{name}>")
    script = first_minute.fill_ids(script, "".join(server.output))
    script = script.replace("YOUR_API_KEY", API_KEY).replace("YOUR_SECRET_KEY", secret_key)
    result = subprocess.run(command, input=script, capture_output=True, text=True, timeout=60, check=False)
    return result.returncode, result.stdout


LANGUAGES = [
    pytest.param("python", (sys.executable, "-"), "Created: 2 scores\n", id="python"),
    pytest.param("javascript", ("node", "--input-type=module", "-"), "Created: 2 scores\n", id="javascript"),
    pytest.param("sh", ("sh",), '"errors":[]}', id="curl"),
]


@pytest.mark.parametrize(("language", "command", "output"), LANGUAGES)
def test_every_example_works_and_fails_with_wrong_keys(
    first_start: Server, language: str, command: tuple[str, ...], output: str
) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}")
    status, text = run_example(first_start, language, *command)
    assert (status, text[-len(output) :]) == (0, output)
    status, text = run_example(first_start, language, *command, secret_key="wrong")
    assert status != 0
    assert "Created" not in text


def test_the_annotated_error_is_one_of_the_server(first_start: Server) -> None:
    trace, star = first_minute.fill_ids("<trace> <star>", "".join(first_start.output)).split()
    scores = [{"label_id": star, "value": 4}, {"label_id": star, "value": 9}]
    body = {"source_type": "trace", "source_id": trace, "scores": scores}
    [sentence] = first_start.request("POST", "/model-hub/scores/bulk/", json=body).json()["errors"]
    [shown] = re.findall(r"^    (scores\[1\]: .*)$", README, re.MULTILINE)
    assert shown == sentence.replace(star, "52f1…")


def test_the_test_file_passes_against_a_server_with_test_controls(controlled: Server) -> None:
    [example] = re.findall(r"```python\n(import pytest\n.*?)```", README, re.DOTALL)
    result = run_test_file(example, controlled)
    assert "1 passed" in result.stdout, result.stdout


@pytest.mark.skipif(None in map(shutil.which, ("bash", "curl", "jq")), reason="needs bash, curl and jq")
def test_the_picture_is_that_of_a_run() -> None:
    """If it differs intentionally: `make picture`."""

    def masked(picture: str) -> str:
        without_ids = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", "id", picture)
        return re.sub(r"(key +)\S+…", r"\1…", without_ids)

    assert masked(first_minute.draw(first_minute.transcript())) == masked(first_minute.PICTURE.read_text())


def test_the_numbers_are_those_of_their_pages() -> None:
    rows = re.findall(r"^\| ([\d,]+) \| (.*?) \| \[.*?\]\((.*?)[)#]", README, re.MULTILINE)
    assert len(rows) == 3
    numbers = {page: (number, meaning) for number, meaning, page in rows}
    counts = re.findall(
        r"^ +(\d+)  POST scores/bulk/ \w+ \d+$", (ROOT / "tests/statement_counts.txt").read_text(), re.MULTILINE
    )
    assert {numbers["tests/statement_counts.txt"][0]} == set(counts)
    number, meaning = numbers["docs/performance.md"]
    times = re.search(r"(\d+) times", meaning)
    assert times
    row = rf"^\| 100 \| 4 \| {number} \| \S+ \| {times[1]} \|"
    assert re.search(row, (ROOT / "docs/performance.md").read_text(), re.MULTILINE)
