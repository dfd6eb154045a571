"""JSON with exact numbers: integers of any length, fractions as `Decimal`."""

import json
import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from modelhub.core.errors import Invalid

# Python's int() raises ValueError for longer strings of digits.
MAX_INT_DIGITS = 4300
# Below this exponent a client's double loses digits or is zero.
MIN_EXPONENT = -307
# Digits of PostgreSQL's numeric, and so of jsonb, before and after the decimal point.
MAX_DIGITS_BEFORE, MAX_DIGITS_AFTER = 131072, 16383
# Exponents up to this size are spelled out on reading; larger ones would turn few bytes into many.
MAX_SPELLED_EXPONENT = 25


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= MAX_INT_DIGITS else Decimal(digits)


def _decimal(text: str) -> Decimal:
    """Return the number as jsonb spells it: small exponents written out, no -0."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return Decimal("Infinity")
    if not number:
        return number.copy_abs()
    if "e" in text.lower() and abs(number.adjusted()) <= MAX_SPELLED_EXPONENT:
        return Decimal(f"{number:f}")
    return number


class Decoder(json.JSONDecoder):
    """Read JSON exactly; also the decoder of Django's JSONField.

    NaN and the infinities become decimals, which `check_storable` rejects. Errors are `JSONDecodeError`, the only one
    that Django's form field catches.
    """

    def __init__(self) -> None:
        super().__init__(parse_float=_decimal, parse_int=_integer, parse_constant=Decimal)

    def decode(self, s: str, *whitespace: Any) -> Any:
        try:
            return super().decode(s, *whitespace)
        except RecursionError:
            raise json.JSONDecodeError("it is nested too deeply", s, 0) from None


class Encoder(json.JSONEncoder):
    """Write JSON exactly; the encoder of Django's JSONField."""

    def encode(self, o: Any) -> str:
        return dumps(o)


_decoder = Decoder()
_encoder = msgspec.json.Encoder(decimal_format="number")
_sorting_encoder = msgspec.json.Encoder(decimal_format="number", order="sorted")


def loads(text: str | bytes) -> Any:
    """Parse JSON. Raise `ValueError` with the reason for unreadable text."""
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValueError(f"it is not UTF-8 at byte {error.start}") from None
    return _decoder.decode(text)


def encode(value: Any) -> bytes:
    """Return compact JSON in UTF-8, with lone surrogates as escapes.

    Structs become objects, UUIDs and times strings.
    """
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _escape(value).encode()


def dumps(value: Any) -> str:
    return encode(value).decode()


def canonical(value: Any) -> str:
    """Return compact JSON with sorted keys.

    Bodies that differ in order and white space are equal. Numbers keep their digits: 1 and 1.0 differ. Raise `Invalid`
    for a value nested so deeply that only the parser could read it.
    """
    try:
        try:
            return _sorting_encoder.encode(value).decode()
        except UnicodeEncodeError:
            return _escape(value, order=sorted)
    except RecursionError:
        raise Invalid("The body is nested too deeply", code="malformed_json") from None


def _escape(value: Any, *, order: Callable[[Any], Iterable[Any]] = iter) -> str:
    """Return JSON with ASCII strings: UTF-8 cannot hold lone surrogates."""
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, dict):
        members = (f"{json.dumps(key)}:{_escape(value[key], order=order)}" for key in order(value))
        return "{" + ",".join(members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_escape(member, order=order) for member in value) + "]"
    return json.dumps(value) if isinstance(value, str) else _encoder.encode(value).decode()


def timestamp(moment: datetime) -> str:
    """Return ISO 8601 in UTC with microseconds, as in `2026-01-31T12:00:00.000000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def same(one: object, other: object) -> bool:
    """Compare two JSON values of any depth: numbers by value, but true is not 1."""
    waiting = [(one, other)]
    while waiting:
        left, right = waiting.pop()
        if isinstance(left, dict) and isinstance(right, dict):
            if left.keys() != right.keys():
                return False
            waiting.extend((left[key], right[key]) for key in left)
        elif isinstance(left, list) and isinstance(right, list):
            if len(left) != len(right):
                return False
            waiting.extend(zip(left, right, strict=True))
        elif isinstance(left, bool) or isinstance(right, bool):
            if left is not right:
                return False
        elif left != right:
            return False
    return True


def check_storable(value: object, *, max_bytes: int, max_depth: int, name: str = "value") -> None:
    """Raise `Invalid` for a JSON value that cannot be stored or is above a limit.

    Numbers must fit into PostgreSQL's numeric and, unless they are integers, into a client's double. Codes:
    `value_too_deep`, `value_too_large` (bytes of compact UTF-8, exponents spelled out), `unstorable_value`.
    Iterative, so that no depth exhausts the stack.
    """
    too_large = f"{name} must have at most {max_bytes} bytes as JSON, got "
    zeros, members, waiting = 0, 0, [(value, 0)]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, (dict, list)):
            members += len(node)
            if depth >= max_depth:
                sentence = f"{name} must not be nested deeper than {max_depth} levels"
                raise Invalid(sentence, code="value_too_deep", field=name)
            if members > max_bytes:
                raise Invalid(f"{too_large}at least {members} members", code="value_too_large", field=name)
            if isinstance(node, dict):
                for key in node:
                    _check_text(key, f"a key of {name}", name)
                node = [*node.values()]
            waiting += [(member, depth + 1) for member in node]
        else:
            zeros += _check_scalar(node, name)
    size = len(encode(value)) + zeros
    if size > max_bytes:
        raise Invalid(f"{too_large}{size}", code="value_too_large", field=name)


def _check_scalar(node: object, name: str) -> int:
    """Return the digits that spelling out a number's exponent adds. Raise `Invalid`."""
    if isinstance(node, str):
        _check_text(node, name, name)
    elif isinstance(node, Decimal):
        return _check_decimal(node, name)
    elif isinstance(node, float):
        _check_decimal(Decimal(repr(node)), name)
    return 0


def _check_text(text: str, words: str, name: str) -> None:
    if "\x00" in text:
        raise _unstorable(f"{words} holds a NUL character, which cannot be stored", name)
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise _unstorable(f"{words} holds half of a surrogate pair, which cannot be stored", name)


def _check_decimal(number: Decimal, name: str) -> int:
    """Return the digits that spelling out the exponent adds.

    Raise `Invalid` for a number out of range.
    """
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        raise _unstorable(f"{name} holds {number}, which is not a number of JSON", name)
    too_long = number.adjusted() >= MAX_DIGITS_BEFORE or -exponent > MAX_DIGITS_AFTER
    too_far = exponent and number and not (number.adjusted() >= MIN_EXPONENT and math.isfinite(float(number)))
    if too_far or too_long:
        raise _unstorable(f"{name} holds a number too large or too small to be kept", name)
    return max(0, abs(exponent) - len(digits))


def _unstorable(sentence: str, field: str) -> Invalid:
    return Invalid(sentence, code="unstorable_value", field=field)
