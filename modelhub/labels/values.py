"""Which values are legal under which label: pure rules, one small function a label type.

`check_value` takes every shape that clients send and answers the one that is stored, an object:

    star             {"rating": 4}
    categorical      {"selected": ["positive"]}
    text             {"text": "…"}
    numeric          {"value": 7.5}
    thumbs_up_down   {"value": "up"}

Keys beside these are the client's data and are kept. Which settings a label may have stands in
modelhub.labels.label_settings.
"""

from collections.abc import Callable, Mapping
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Any

from modelhub.core.errors import Invalid
from modelhub.core.text import did_you_mean, listed, show

LABEL_TYPES = ("text", "numeric", "categorical", "star", "thumbs_up_down")

NUMERIC_DEFAULTS = {"min": 0, "max": 10, "step_size": 1}
TEXT_DEFAULTS = {"min_length": 0, "max_length": 5000}
STARS = 5

# Decimal's own context would round to 28 digits.
EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)


Settings = Mapping[str, Any]
Check = Callable[[Any], Any]
Rule = Callable[[object], dict[str, Any]]


def check_value(label_type: str, settings: Settings, value: object) -> dict[str, Any]:
    """The value in the shape that is stored; raises `Invalid`, whose sentence names the rule and what was sent.

    A blank value (null, "", []) is refused like any other wrong one. JSON types count: "4" and true are no
    numbers; 4.0 is a whole number.
    """
    return rule_of(label_type, settings)(value)


def rule_of(label_type: str, settings: Settings) -> Rule:
    """`check_value` for one label, its settings read once: whoever judges many values calls this first."""
    key, read, kinds = RULES[label_type]
    check = read(settings)

    def rule(value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            return {key: check(value)}
        if key not in value:
            raise _refused(f'value must be an object with "{key}" or {kinds}, got {show(value)}')
        return {**value, key: check(value[key])}

    return rule


def _star(settings: Settings) -> Check:
    stars = settings.get("no_of_stars", STARS)

    def check(rating: object) -> int:
        number = as_number(rating)
        if number is None or not 1 <= number <= stars or number != int(number):
            raise _refused(f"rating must be a whole number from 1 to {stars}, got {show(rating)}")
        return int(number)

    return check


def _categorical(settings: Settings) -> Check:
    names = option_names(settings)
    known, many = frozenset(names), settings.get("multi_choice", False)

    def check(selected: object) -> list[str]:
        chosen = [selected] if isinstance(selected, str) else selected
        if not isinstance(chosen, list) or not chosen:
            raise _refused(f"selected must be one option or a list of at least one, got {show(selected)}")
        for at, option in enumerate(chosen):
            if not isinstance(option, str) or option not in known:
                raise _refused(
                    f"selected must hold only options of the label ({listed(names)}), got {show(option)}"
                    f"{did_you_mean(option, names)}"
                )
            if option in chosen[:at]:
                raise _refused(f"selected must hold no option twice, got {show(option)} twice")
        if len(chosen) > 1 and not many:
            raise _refused(f"selected must hold one option only, got {show(chosen)}")
        return chosen

    return check


def option_names(settings: Settings) -> list[str]:
    """What may be selected: the options' labels, and their values where they have any."""
    options = [{"label": option} if isinstance(option, str) else option for option in settings.get("options") or []]
    return [option[key] for option in options for key in ("label", "value") if isinstance(option.get(key), str)]


def _text(settings: Settings) -> Check:
    shortest = max(1, settings.get("min_length", TEXT_DEFAULTS["min_length"]))
    longest = settings.get("max_length", TEXT_DEFAULTS["max_length"])

    def check(text: object) -> str:
        if not isinstance(text, str):
            raise _refused(f"text must be a string, got {show(text)}")
        if not shortest <= len(text) <= longest:
            sent = f"{len(text)} characters" if text else '""'
            raise _refused(f"text must have from {shortest} to {longest} characters, got {sent}")
        return text

    return check


def _numeric(settings: Settings) -> Check:
    lowest, highest, step = (_or_default(settings, key, default) for key, default in NUMERIC_DEFAULTS.items())
    is_on_grid = _grid(Decimal(lowest), Decimal(step))

    def check(value: object) -> int | Decimal:
        number = as_number(value)
        if number is None:
            raise _refused(f"value must be a number, got {show(value)}")
        if not lowest <= number <= highest:
            raise _refused(f"value must be a number from {show(lowest)} to {show(highest)}, got {show(value)}")
        if number != highest and not is_on_grid(Decimal(number)):
            raise _refused(
                f"value must be {show(lowest)} plus a multiple of {show(step)} (or {show(highest)}), got {show(value)}"
            )
        return number

    return check


def _or_default(settings: Settings, key: str, default: int) -> int | Decimal:
    """A number among the settings; a float is the decimal that it prints as, so that 0.3 is three times 0.1."""
    number = as_number(settings.get(key))
    return default if number is None else number


def _grid(lowest: Decimal, step: Decimal) -> Callable[[Decimal], bool]:
    """Whether a number is `lowest` plus a multiple of `step`, exactly, however many digits it has."""
    finest = min(0, _exponent(lowest), _exponent(step))

    def is_on_grid(number: Decimal) -> bool:
        # A number with more places than the grid is off it; to subtract from 1E-999999999 would never end.
        if _exponent(number) < finest and _exponent(number.normalize(EXACT)) < finest:
            return False
        return EXACT.remainder(EXACT.subtract(number, lowest), step).is_zero()

    return is_on_grid


def _exponent(number: Decimal) -> int:
    return int(number.as_tuple().exponent)


def _thumbs(settings: Settings) -> Check:
    def check(thumb: object) -> str:
        if thumb is True or thumb == "up":
            return "up"
        if thumb is False or thumb == "down":
            return "down"
        raise _refused(f'value must be "up" or "down" (or true or false), got {show(thumb)}')

    return check


# By label type: the key of the stored object, what reads the settings, and the plain shapes in words.
RULES: dict[str, tuple[str, Callable[[Settings], Check], str]] = {
    "star": ("rating", _star, "a whole number"),
    "categorical": ("selected", _categorical, "an option or a list of options"),
    "text": ("text", _text, "a string"),
    "numeric": ("value", _numeric, "a number"),
    "thumbs_up_down": ("value", _thumbs, '"up" or "down"'),
}


def scalar_of(label_type: str, value: Mapping[str, Any]) -> Any:
    """The plain shape of a stored value, as exports for people give it: one option by itself, several as a list."""
    plain = value.get(RULES[label_type][0])
    return plain[0] if isinstance(plain, list) and len(plain) == 1 else plain


def as_number(value: object) -> int | Decimal | None:
    """The number that a JSON value is, or `None`: true is not a number, nor is NaN or an infinity."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        value = Decimal(repr(value))
    return value if isinstance(value, Decimal) and value.is_finite() else None


def _refused(sentence: str) -> Invalid:
    return Invalid(sentence, code="invalid_value")
