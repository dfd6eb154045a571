"""docs/agreement.md is true: its examples run, in an organization of their own, and its figures are computed."""

import re
from collections.abc import Iterator

import pytest

from modelhub.agreement import (
    figures,
    intervals,
    label_figures,
    pairs,
    posteriors,
    reading,
    statistics,
    substitution,
    tallies,
)
from modelhub.agreement.dawid_skene import MOST_ITERATIONS, dawid_skene
from modelhub.agreement.disagreement_serializers import MAX_DECISIONS
from modelhub.agreement.statistics import cohen_kappa, fleiss_kappa, gwet_ac1, krippendorff_alpha
from tests.agreement import test_published_tables as published
from tests.servers import ROOT, Server
from tests.testing.pages import key_of_a_page, run_sessions

PAGE = ROOT / "docs" / "agreement.md"
TEXT = PAGE.read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


@pytest.fixture
def headers(controlled: Server) -> Iterator[dict[str, str]]:
    """Return the headers of a key as the page has it."""
    with key_of_a_page(controlled) as key:
        yield key


def test_every_example_has_its_result(controlled: Server, headers: dict[str, str]) -> None:
    attempted, failures = run_sessions(PAGE, [text for _, text in BLOCKS], controlled, headers)
    assert attempted > 40
    assert not failures, failures


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    assert {language for language, _ in BLOCKS} == {"pycon"}


def test_every_reason_is_on_the_page() -> None:
    reasons = {
        sentence
        for module in (statistics, intervals, label_figures, substitution)
        for name, sentence in vars(module).items()
        if name.isupper() and " " in str(sentence) and isinstance(sentence, str)
    }
    table = TEXT.split("| reason | remedy |\n|---|---|\n")[1].split("\n\n")[0]
    of_requests = {
        "bootstrap is false",
        *(
            f"there are intervals of at most {figures.MOST_INTERVALS} {of}: filter by label_id"
            for of in ("labels", "judges")
        ),
    }
    assert {row.split(" | ")[0].removeprefix("| ") for row in table.splitlines()} == reasons | of_requests


@pytest.mark.parametrize(
    "words",
    [
        f"| scores of a request | {reading.MOST_SCORES:,}: 400",
        f"| labels of a request | {figures.MOST_LABELS:,}: 400",
        f"| different sets of options of a label | {statistics.MOST_SETS:,} |",
        f"| the {pairs.MOST_PAIRS:,} with the most comparisons; none above {pairs.MOST_COMPARISONS:,} comparisons |",
        f"| posterior | {posteriors.MOST_CLASSES} values, {posteriors.MOST_RATINGS:,} ratings of a label |",
        f"| decisions of a request | {MAX_DECISIONS:,}: 413",
        f"More than {intervals.MOST_GROUPS:,} items are dealt at random into {intervals.MOST_GROUPS:,} groups",
        f"With more than {intervals.FEW_VALUES} different options or sets",
        f"more than {intervals.FEW_RANKS}\n  different stars and {intervals.FEW_UNITS} different items",
        f"in at most {MOST_ITERATIONS:,} iterations",
        f"ids of the oldest {tallies.MOST_UNITS}",
    ],
)
def test_numbers_of_the_page_are_those_of_the_code(words: str) -> None:
    assert words in TEXT


def test_the_figures_of_published_tables_are_computed() -> None:
    krippendorff, fleiss, cohen = published.KRIPPENDORFF_2011, published.FLEISS_1971, published.COHEN_1968
    abstractors, sets, number = published.TWO_ABSTRACTORS, published.SETS, published.number
    fitted = dawid_skene([[*zip("1112345", one, strict=True)] for one in published.ANAESTHETISTS.split()])
    computed = [
        *(number(krippendorff_alpha(krippendorff, distance), 6) for distance in ("nominal", "ordinal", "interval")),
        number(gwet_ac1(krippendorff), 5),
        *(number(fleiss_kappa(fleiss), 6), number(krippendorff_alpha(fleiss), 6), number(gwet_ac1(fleiss), 5)),
        *(number(cohen_kappa(cohen, weights), 6) for weights in ("nominal", "linear", "quadratic")),
        *(number(figure(abstractors), 5) for figure in (cohen_kappa, gwet_ac1, krippendorff_alpha)),
        *(number(krippendorff_alpha(sets, distance), 6) for distance in ("nominal", "jaccard", "masi")),
        *(round(share, 4) for share in fitted.marginals.values()),
        round(fitted.log_likelihood, 4),
    ]
    table = TEXT.split("| table | figures |\n|---|---|\n")[1].split("\n\n")[0]
    shown = [float(one) for row in table.splitlines() for one in re.findall(r"-?\d+\.\d+", row.split(" | ")[1])]
    assert shown == computed
