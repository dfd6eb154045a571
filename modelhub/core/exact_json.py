"""JSON in and out that keeps numbers: integers exactly, however long, and decimals as decimals."""

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import msgspec
import simplejson

from modelhub.core.errors import Invalid

# Longer digit strings than this Python does not turn into an int; a Decimal holds them as well.
MAX_INT_DIGITS = 4300
# Beyond these exponents a double is infinite or zero: what reads the number back would see another one.
MAX_EXPONENT, MIN_EXPONENT = 308, -307
# What PostgreSQL's numeric, and so jsonb, can hold before and after the point.
MAX_DIGITS_BEFORE, MAX_DIGITS_AFTER = 131072, 16383
# Digits, and characters of a key, that are few. Few bytes in must not become many out.
PLAIN = 25


def loads(text: str | bytes) -> Any:
    """The value that the text spells: decimals as `Decimal`, NaN and the infinities as floats.

    Raises `ValueError` with a sentence for what is not JSON, not UTF-8 or nested too deeply to be read.
    """
    try:
        return _quick_decoder.decode(text)
    except (ValueError, RecursionError, InvalidOperation):
        return _loads_anything(text)


def _loads_anything(text: str | bytes) -> Any:
    """Slower, for what JSON does not allow and clients send, and for sentences about what nobody can read."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        return _patient_decoder.decode(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 at byte {error.start}") from None


def encode(value: Any) -> bytes:
    """Compact JSON in UTF-8; UUIDs and times as strings. NaN and infinities, which JSON has not, would become null.

    Lone surrogates, which UTF-8 cannot hold, stay the escapes that they must have been sent as.
    """
    try:
        return _quick_encoder.encode(value)
    except UnicodeEncodeError:
        return str(_ascii_encoder.encode(value)).encode()


def dumps(value: Any) -> str:
    """Compact JSON of anything, lone surrogates as they are. Raises `ValueError` for NaN and infinities."""
    try:
        text = _quick_encoder.encode(value).decode()
    except (UnicodeEncodeError, RecursionError):
        text = "null"
    # A null may have been NaN.
    return str(_patient_encoder.encode(value)) if "null" in text else text


@lru_cache(maxsize=1000)
def timestamp(moment: datetime) -> str:
    """How JSON writes a time: ISO 8601 in UTC with microseconds, as in `2026-01-31T12:00:00.000000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= MAX_INT_DIGITS else Decimal(digits)


def _decimal(text: str) -> Decimal:
    """The decimal as PostgreSQL will spell it: without an exponent, unless that would take many digits, and no -0."""
    number = Decimal(text)
    if not number:
        return number.copy_abs()
    if "e" in text.lower() and abs(number.adjusted()) <= PLAIN:
        return Decimal(f"{number:f}")
    return number


def _decimal_or_infinity(text: str) -> Decimal | float:
    """An infinity where the exponent is beyond even `Decimal`."""
    try:
        return _decimal(text)
    except InvalidOperation:
        return math.inf


_quick_decoder = msgspec.json.Decoder(float_hook=_decimal)
_patient_decoder = simplejson.JSONDecoder(parse_float=_decimal_or_infinity, parse_int=_integer, allow_nan=True)
_quick_encoder = msgspec.json.Encoder(decimal_format="number")


def _as_json(value: object) -> object:
    """What the patient encoders cannot write by themselves: structures as objects, UUIDs and times as strings."""
    if isinstance(value, msgspec.Raw):
        return loads(bytes(value))
    return msgspec.structs.asdict(value) if isinstance(value, msgspec.Struct) else str(value)


PATIENT: dict[str, Any] = {"use_decimal": True, "separators": (",", ":"), "allow_nan": False, "default": _as_json}
_patient_encoder = simplejson.JSONEncoder(ensure_ascii=False, **PATIENT)
_ascii_encoder = simplejson.JSONEncoder(ensure_ascii=True, **PATIENT)


class Encoder(json.JSONEncoder):
    """For Django's JSONField, which hands it to the standard library's `json.dumps`."""

    def encode(self, o: Any) -> str:
        """Compact JSON."""
        return dumps(o)


class Decoder(json.JSONDecoder):
    """For Django's JSONField, which hands it to the standard library's `json.loads`."""

    def decode(self, s: str, *scanning: Any, **options: Any) -> Any:
        """The value; raises the standard library's error, the only one that Django's form field catches."""
        try:
            return loads(s)
        except simplejson.JSONDecodeError as error:
            raise json.JSONDecodeError(error.msg, error.doc, error.pos) from None
        except ValueError:
            raise json.JSONDecodeError("It is nested too deeply", s, 0) from None


def same(one: object, other: object) -> bool:
    """Whether two JSON values are equal: numbers by value, but true is not 1; any depth is safe."""
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
    """Raises `Invalid` for a JSON value that cannot be kept and given back, or is above a limit.

    Codes: `value_too_deep`, `value_too_large` (bytes of compact UTF-8, decimals as PostgreSQL spells them),
    `unstorable_value`.
    """
    if _is_plain(value, max_bytes):
        return
    spelled_out = 0
    for leaf, path in _leaves(value, name, max_depth):
        if isinstance(leaf, str):
            _check_text(leaf, path)
        elif not isinstance(leaf, bool | int | None):
            _check_decimal(leaf, path)
            spelled_out += _zeros(leaf)
    size = len(encode(value)) + spelled_out
    if size > max_bytes:
        raise Invalid(f"{name} must have at most {max_bytes} bytes as JSON, got {size}", code="value_too_large")


def _zeros(number: object) -> int:
    """How many digits longer PostgreSQL spells a decimal than it was sent: it knows no exponents."""
    _, digits, exponent = number.as_tuple() if isinstance(number, Decimal) else (0, (), 0)
    return max(0, abs(int(exponent)) - len(digits))


def _is_plain(value: object, max_bytes: int) -> bool:
    """Whether a value is clearly storable and small: what most are, and what need not be looked at more closely.

    That is a short ASCII text without NUL or a number of few digits, by itself or alone in an object.
    """
    if type(value) is dict and len(value) == 1:
        [(key, value)] = value.items()
        if not (key.isalpha() and key.isascii() and len(key) < PLAIN):
            return False
    if type(value) is str:
        # JSON escapes a character by six at most.
        return value.isascii() and "\x00" not in value and 6 * (len(value) + PLAIN) <= max_bytes
    if type(value) is Decimal:
        return value.is_finite() and abs(value.adjusted()) < PLAIN and len(str(value)) < 2 * PLAIN <= max_bytes
    return type(value) is int and abs(value) < 10**PLAIN and max_bytes >= 2 * PLAIN


def _leaves(value: object, name: str, max_depth: int) -> Iterator[tuple[object, str]]:
    """Every scalar and every key in a value, with where it stands; without recursion, so any depth is safe."""
    waiting: list[tuple[object, str, int]] = [(value, name, 0)]
    while waiting:
        node, path, depth = waiting.pop()
        if isinstance(node, dict | list):
            if depth >= max_depth:
                sentence = f"{name} must not be nested deeper than {max_depth} levels"
                raise Invalid(sentence, code="value_too_deep")
            if isinstance(node, dict):
                for key, member in node.items():
                    yield key, f"a key of {path}"
                    waiting.append((member, path, depth + 1))
            else:
                waiting.extend((member, path, depth + 1) for member in node)
        else:
            yield node, path


def _check_text(text: str, path: str) -> None:
    if "\x00" in text:
        raise Invalid(f"{path} holds a NUL character, which cannot be stored", code="unstorable_value")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise Invalid(f"{path} holds half of a surrogate pair, which cannot be stored", code="unstorable_value")


def _check_decimal(number: object, path: str) -> None:
    decimal = number if isinstance(number, Decimal) else Decimal(repr(number))
    if not decimal.is_finite():
        raise Invalid(f"{path} holds {decimal}, which is not a number of JSON", code="unstorable_value")
    exponent = decimal.as_tuple().exponent
    integer = isinstance(exponent, int) and exponent == 0
    in_reach = MIN_EXPONENT <= decimal.adjusted() <= MAX_EXPONENT and not math.isinf(float(decimal))
    too_far = decimal and not integer and not in_reach
    too_long = decimal.adjusted() >= MAX_DIGITS_BEFORE or -int(exponent) > MAX_DIGITS_AFTER
    if too_far or too_long:
        raise Invalid(f"{path} holds a number too large or too small to be kept", code="unstorable_value")
