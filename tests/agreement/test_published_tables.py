"""Tables that papers publish, with the figures that they or later authors give for them."""

from collections import Counter
from collections.abc import Hashable
from decimal import ROUND_HALF_UP, Decimal

import pytest

from modelhub.agreement.dawid_skene import Consensus, dawid_skene
from modelhub.agreement.distances import Distance
from modelhub.agreement.statistics import (
    Figure,
    Table,
    Weights,
    cohen_kappa,
    equal_share,
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
    percent_agreement,
)


def by_rater(*rows: str) -> Table:
    """Return the table of one row per rater and one column per unit."""
    columns = zip(*(row.split() for row in rows), strict=True)
    return Table.of({rater: int(value) for rater, value in enumerate(column) if value != "."} for column in columns)


def by_unit(counts: str) -> Table:
    """Return the table of one number per unit, each digit the count of a value."""
    values = ([value for value, count in enumerate(unit) for _ in range(int(count))] for unit in counts.split())
    return Table.of(dict(enumerate(unit)) for unit in values)


def crossed(square: str) -> Table:
    """Return the table of two raters, one value of the first per row."""
    rows = enumerate(square.split("/"))
    cells = ((one, other, int(count)) for one, row in rows for other, count in enumerate(row.split()))
    return Table.of({"first": one, "second": other} for one, other, count in cells for _ in range(count))


def of_sets(*rows: str) -> Table:
    columns = zip(*(row.split() for row in rows), strict=True)
    return Table.of({rater: frozenset(letters) for rater, letters in enumerate(column)} for column in columns)


def number(figure: Figure, places: int) -> float:
    assert figure.value is not None
    return float(Decimal(figure.value).quantize(Decimal(10) ** -places, ROUND_HALF_UP))


KRIPPENDORFF_2011 = by_rater(
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
FLEISS_1971 = by_unit(
    "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 "
    "00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"
)
COHEN_1968 = crossed("88 10 2 / 14 40 6 / 18 10 12")
TWO_ABSTRACTORS = crossed("13 0 0 / 0 20 7 / 0 4 56")
PARADOX = crossed("118 5 / 2 0")
SETS = of_sets("x xy y z xz y", "x x y z xz xy", "x xy yz z z y")


@pytest.mark.parametrize(("distance", "alpha"), [("nominal", 0.743421), ("ordinal", 0.815388), ("interval", 0.849107)])
def test_krippendorff_2011_four_observers_of_twelve_units(distance: Distance, alpha: float) -> None:
    assert number(krippendorff_alpha(KRIPPENDORFF_2011, distance), 6) == alpha


def test_krippendorff_2011_by_gwet() -> None:
    assert number(gwet_ac1(KRIPPENDORFF_2011), 5) == 0.77544


def test_fleiss_1971_six_raters_of_thirty_patients() -> None:
    assert number(fleiss_kappa(FLEISS_1971), 6) == 0.430245
    assert number(krippendorff_alpha(FLEISS_1971), 6) == 0.433410
    assert number(gwet_ac1(FLEISS_1971), 5) == 0.44788


@pytest.mark.parametrize(("weights", "kappa"), [("nominal", 0.491525), ("linear", 0.473684), ("quadratic", 0.454545)])
def test_cohen_1968_two_raters_of_two_hundred_patients(weights: Weights, kappa: float) -> None:
    assert number(cohen_kappa(COHEN_1968, weights), 6) == kappa


def test_two_abstractors() -> None:
    assert number(cohen_kappa(TWO_ABSTRACTORS), 5) == 0.79641
    assert number(gwet_ac1(TWO_ABSTRACTORS), 5) == 0.84933
    assert number(krippendorff_alpha(TWO_ABSTRACTORS), 5) == 0.79726


def test_the_paradox_of_kappa_is_none_of_ac1() -> None:
    assert number(percent_agreement(PARADOX), 3) == number(equal_share(PARADOX), 3) == 0.944
    assert number(cohen_kappa(PARADOX), 2) == -0.02
    assert number(gwet_ac1(PARADOX), 2) == 0.94


@pytest.mark.parametrize(("distance", "alpha"), [("nominal", 0.480916), ("jaccard", 0.670968), ("masi", 0.601563)])
def test_sets_of_three_raters(distance: Distance, alpha: float) -> None:
    assert number(krippendorff_alpha(SETS, distance), 6) == alpha


# Dawid and Skene 1979, table 1: per patient the first observer's three ratings, then one of each of the other four.
# A public copy has 1 1 2 as the first observer's ratings of patient 7: that table has another likelihood, -190.7310.
ANAESTHETISTS = (
    "1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 "
    "2322223 4444444 2223343 1111111 2223212 1211111 1112111 1111111 1111111 "
    "2222221 2221322 2222222 2222221 2223222 2212222 1111111 1111111 2322222 "
    "1111111 1111111 1121121 1111111 3333233 1111111 2222222 2223232 4334343 "
    "2212232 2323233 3333432 1111111 1111111 1212111 2322222 1211111 2222222"
)


@pytest.fixture(scope="module")
def anaesthetists() -> Consensus:
    units = [list(zip("1112345", map(int, patient), strict=True)) for patient in ANAESTHETISTS.split()]
    return dawid_skene(units)


def test_dawid_skene_1979_has_the_marginals_and_the_likelihood_of_the_paper(anaesthetists: Consensus) -> None:
    marginals = {true: round(share, 4) for true, share in anaesthetists.marginals.items()}
    assert marginals == {1: 0.3996, 2: 0.4220, 3: 0.1118, 4: 0.0667}
    assert round(anaesthetists.log_likelihood, 4) == -192.8909


def test_dawid_skene_1979_differs_from_the_majority_for_three_patients(anaesthetists: Consensus) -> None:
    different: dict[int, Hashable] = {}
    for patient, (ratings, posterior) in enumerate(
        zip(ANAESTHETISTS.split(), anaesthetists.posteriors, strict=True), start=1
    ):
        # Patient 12 has three ratings of each of 2 and 3: the lower one is the majority here.
        majority, _ = max(Counter(map(int, ratings)).items(), key=lambda rated: (rated[1], -rated[0]))
        probable = max(posterior, key=posterior.__getitem__)
        if probable != majority:
            different[patient] = probable
    assert different == {2: 4, 12: 3, 36: 4}
