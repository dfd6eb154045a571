"""JSON with exact numbers, and the values that can be stored."""

import json
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelhub.core import exact_json
from modelhub.core.errors import Invalid

finite = st.decimals(allow_nan=False, allow_infinity=False).filter(lambda number: abs(number.adjusted()) < 300)
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
storable = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
)


def check(value: object, **limits: int) -> None:
    exact_json.check_storable(value, **({"max_bytes": 65536, "max_depth": 32} | limits))  # type: ignore[arg-type]


@given(storable)
def test_storable_values_come_back_the_same(value: Any) -> None:
    check(value)
    assert exact_json.same(exact_json.loads(exact_json.dumps(value).encode()), value)


@pytest.mark.parametrize("digits", ["1", "-0.10", "7.50", "1E+400", "9" * 4300, "8" * 4301, "1." + "3" * 5000])
def test_numbers_keep_their_digits(digits: str) -> None:
    assert exact_json.dumps(exact_json.loads(digits)) == digits


@pytest.mark.parametrize(
    ("sent", "spelled"),
    [("1e2", "100"), ("-1.50E+1", "-15.0"), ("25e-3", "0.025"), ("-0.0", "0.0"), ("1e25", "1" + "0" * 25)],
)
def test_numbers_are_spelled_as_in_jsonb(sent: str, spelled: str) -> None:
    assert exact_json.dumps(exact_json.loads(sent)) == spelled


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity", "1e99999999999999999999"])
def test_constants_that_json_does_not_have_are_parsed_and_cannot_be_stored(constant: str) -> None:
    value = exact_json.loads(f'{{"n": [{constant}]}}')

    assert not value["n"][0].is_finite()
    with pytest.raises(Invalid, match="which is not a number of JSON"):
        check(value)


def test_a_byte_order_mark_is_skipped() -> None:
    assert exact_json.loads(b"\xef\xbb\xbf[1]") == [1]


def test_lone_surrogates_are_written_as_escapes_beside_exact_numbers() -> None:
    value = {"\ud800": ["\udfff", Decimal("0.10"), 10**30, None, uuid.UUID(int=1)]}
    written = exact_json.encode(value)

    number = b"1" + b"0" * 30
    assert written == b'{"\\ud800":["\\udfff",0.10,' + number + b',null,"00000000-0000-0000-0000-000000000001"]}'


def test_djangos_json_field_uses_the_encoder_and_the_decoder() -> None:
    value = {"n": Decimal("0.10"), "big": 10**400}
    written = json.dumps(value, cls=exact_json.Encoder)

    assert written == '{"n":0.10,"big":' + str(10**400) + "}"
    assert json.loads(written, cls=exact_json.Decoder) == value


@pytest.mark.parametrize("text", ["{bad", "[1,]", "", "[" * 100_000, "[" * 1_000_000 + "]" * 1_000_000])
def test_unreadable_text_raises_the_error_that_djangos_form_field_catches(text: str) -> None:
    with pytest.raises(json.JSONDecodeError, match=r"line 1 column"):
        json.loads(text, cls=exact_json.Decoder)


def test_ids_and_times_become_strings() -> None:
    moment = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert exact_json.dumps([uuid.UUID(int=1), moment]) == (
        '["00000000-0000-0000-0000-000000000001","2026-01-31T12:00:00Z"]'
    )


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"a":}', b"\xff", b"[" * 10_000, b"[" * 1_000_000, b'{"a":' * 100_000, b"[1,]", b"nul", b"'a'"],
)
def test_unreadable_bytes_raise_a_value_error_with_the_reason(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"line|nested|UTF-8"):
        exact_json.loads(body)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1, True, False),
        ({"a": 1}, {"a": True}, False),
        ([0], [False], False),
        (4, Decimal("4.0"), True),
        ({"a": 1, "b": [None]}, {"b": [None], "a": Decimal(1)}, True),
        ([1, 2], [2, 1], False),
        ("1", 1, False),
        (None, False, False),
        ([], {}, False),
    ],
)
def test_equality_is_that_of_json(one: object, other: object, equal: bool) -> None:
    assert exact_json.same(one, other) is equal
    assert exact_json.same(other, one) is equal


def test_equality_works_at_any_depth() -> None:
    def nested(innermost: int) -> Any:
        value: Any = innermost
        for _ in range(50_000):
            value = {"a": [value]}
        return value

    assert exact_json.same(nested(1), nested(1))
    assert not exact_json.same(nested(1), nested(2))


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("a\x00b", "value holds a NUL character, which cannot be stored"),
        ({"a": ["\x00"]}, "value holds a NUL character, which cannot be stored"),
        ({"\x00": 1}, "a key of value holds a NUL character, which cannot be stored"),
        ("\ud800", "value holds half of a surrogate pair, which cannot be stored"),
        ([float("nan")], "value holds NaN, which is not a number of JSON"),
        ([float("-inf")], "value holds -Infinity, which is not a number of JSON"),
        (Decimal("1E+309"), "value holds a number too large or too small to be kept"),
        (Decimal("9E+308"), "value holds a number too large or too small to be kept"),
        (Decimal("1E-308"), "value holds a number too large or too small to be kept"),
        (Decimal("1E+999999"), "value holds a number too large or too small to be kept"),
        (Decimal("0." + "1" * 16384), "value holds a number too large or too small to be kept"),
    ],
)
def test_unstorable_values_are_rejected(value: object, sentence: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(value)
    assert str(refused.value) == sentence
    assert refused.value.code == "unstorable_value"


def test_size_and_depth_are_limited() -> None:
    check({"a": "x" * 92}, max_bytes=100)
    with pytest.raises(Invalid, match="value must have at most 100 bytes as JSON, got 101") as refused:
        check({"a": "x" * 93}, max_bytes=100)
    assert refused.value.code == "value_too_large"

    with pytest.raises(Invalid, match="got at least 101 members") as refused:
        check([0] * 101, max_bytes=100)
    assert refused.value.code == "value_too_large"

    nested: list[Any] = []
    for _ in range(31):
        nested = [nested]
    check(nested)
    with pytest.raises(Invalid, match="value must not be nested deeper than 32 levels") as refused:
        check([nested])
    assert refused.value.code == "value_too_deep"
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(Invalid, match="deeper"):
        check(nested)


@pytest.mark.parametrize("digits", ["0e-16000", "1e300", "1.5e-300", "-1e-300"])
def test_decimals_count_with_all_digits_of_jsonb(digits: str) -> None:
    """Few bytes in must not become many bytes out."""
    assert len(exact_json.dumps(exact_json.loads(digits))) < 20
    with pytest.raises(Invalid, match=r"value must have at most 100 bytes as JSON, got (3\d\d|16\d\d\d)") as refused:
        check(exact_json.loads(digits), max_bytes=100)
    assert refused.value.code == "value_too_large"
    check([exact_json.loads("1e90"), exact_json.loads("0.00001")], max_bytes=110)
