"""Which settings a label of each type may have, and the defaults of those that are left out."""

from collections.abc import Callable, Mapping
from typing import Any

from modelhub.core.errors import Invalid
from modelhub.core.text import did_you_mean, show
from modelhub.labels.values import NUMERIC_DEFAULTS, STARS, TEXT_DEFAULTS, as_number

DEFAULTS: dict[str, dict[str, Any]] = {
    "star": {"no_of_stars": STARS},
    "categorical": {"multi_choice": False, "rule_prompt": "", "auto_annotate": False, "strategy": None},
    "text": {"placeholder": "", **TEXT_DEFAULTS},
    "numeric": {**NUMERIC_DEFAULTS, "display_type": "slider"},
    "thumbs_up_down": {},
}
LARGEST = 10**9
# Keys that a type has and that no default could stand in for.
REQUIRED = {"categorical": ("options",)}


def check_settings(label_type: str, settings: object) -> dict[str, Any]:
    """The complete settings: defaults filled in, options as objects, keys of the client's own kept.

    None or {} takes every default. Raises `Invalid`, whose sentence names the rule and what was sent; also for
    an object that holds none of its type's keys, which is more likely a mistake than a wish for defaults.
    """
    if settings is None:
        settings = {}
    if not isinstance(settings, Mapping):
        raise Invalid(f"settings must be an object, got {show(settings)}")
    known = [*DEFAULTS[label_type], *REQUIRED.get(label_type, ())]
    if settings and known and not any(key in settings for key in known):
        first = next(iter(settings))
        raise Invalid(
            f"settings of a {label_type} label must hold at least one of {', '.join(known)}, "
            f"got {show(settings)}{did_you_mean(first, known)}"
        )
    return RULES[label_type](DEFAULTS[label_type] | dict(settings))


def _check_star(settings: dict[str, Any]) -> dict[str, Any]:
    return settings | {"no_of_stars": _whole(settings, "no_of_stars", minimum=1)}


def _check_text(settings: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(settings["placeholder"], str):
        raise Invalid(f"placeholder must be a string, got {show(settings['placeholder'])}")
    shortest, longest = (_whole(settings, key, minimum=0) for key in ("min_length", "max_length"))
    if not shortest < longest:
        raise Invalid(f"min_length must be less than max_length, got {shortest} and {longest}")
    return settings | {"min_length": shortest, "max_length": longest}


def _check_numeric(settings: dict[str, Any]) -> dict[str, Any]:
    for key in NUMERIC_DEFAULTS:
        if as_number(settings[key]) is None:
            raise Invalid(f"{key} must be a number, got {show(settings[key])}")
    numbers: dict[str, Any] = {key: as_number(settings[key]) for key in NUMERIC_DEFAULTS}
    lowest, highest, step = numbers.values()
    if lowest < 0:
        raise Invalid(f"min must be at least 0, got {show(lowest)}")
    if not lowest < highest:
        raise Invalid(f"min must be less than max, got {show(lowest)} and {show(highest)}")
    if step <= 0:
        raise Invalid(f"step_size must be greater than 0, got {show(step)}")
    if settings["display_type"] not in ("slider", "button"):
        raise Invalid(f'display_type must be "slider" or "button", got {show(settings["display_type"])}')
    return settings | numbers


def _check_categorical(settings: dict[str, Any]) -> dict[str, Any]:
    for key in ("multi_choice", "auto_annotate"):
        if not isinstance(settings[key], bool):
            raise Invalid(f"{key} must be true or false, got {show(settings[key])}")
    if not isinstance(settings["rule_prompt"], str):
        raise Invalid(f"rule_prompt must be a string, got {show(settings['rule_prompt'])}")
    if settings["strategy"] not in (None, "Rag"):
        raise Invalid(f'strategy must be null or "Rag", got {show(settings["strategy"])}')
    return settings | {"options": _check_options(settings.get("options"))}


def _check_options(options: object) -> list[dict[str, Any]]:
    if not isinstance(options, list) or len(options) < 2:
        raise Invalid(f"options must be a list of at least two options, got {show(options)}")
    objects = [_as_option(option) for option in options]
    seen: dict[str, str] = {}
    for option in objects:
        name = option["label"]
        folded = name.strip().casefold()
        if folded in seen:
            twins = f"{show(seen[folded])} and {show(name)}"
            raise Invalid(f"options must differ by more than case and outer spaces, got {twins}")
        seen[folded] = name
    return objects


def _as_option(option: object) -> dict[str, Any]:
    named = {"label": option} if isinstance(option, str) else option
    label = named.get("label") if isinstance(named, dict) else None
    if not isinstance(named, dict) or not isinstance(label, str) or not label.strip():
        raise Invalid(f'an option must be a string or an object with a "label" that is not empty, got {show(option)}')
    return named


def _whole(settings: Mapping[str, Any], key: str, *, minimum: int) -> int:
    number = as_number(settings[key])
    if number is None or not minimum <= number <= LARGEST or number != int(number):
        raise Invalid(f"{key} must be a whole number from {minimum} to {LARGEST}, got {show(settings[key])}")
    return int(number)


RULES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "star": _check_star,
    "categorical": _check_categorical,
    "text": _check_text,
    "numeric": _check_numeric,
    "thumbs_up_down": dict,
}
