"""The settings of labels as fields of a form."""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings

from modelhub.core import exact_json
from modelhub.core.text import show, unix_lines
from modelhub.labels.types import LABEL_TYPES, get_type
from modelhub.labels.types.base import read_number

# The settings with a field, by type. Others keep their values.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "star": ("no_of_stars",),
    "numeric": ("min", "max", "step_size", "display_type"),
    "text": ("min_length", "max_length", "placeholder"),
    "categorical": ("options", "multi_choice"),
    "thumbs_up_down": (),
}
TEXTS = {"display_type", "placeholder"}
# The fields as the form names them.
TITLES: Mapping[str, str] = {
    "name": "Name",
    "type": "Type",
    "description": "Description",
    "project": "Project",
    "settings": "The settings",
    "no_of_stars": "Number of stars",
    "min": "From",
    "max": "To",
    "step_size": "Step",
    "display_type": "Shown as",
    "min_length": "Least characters",
    "max_length": "Most characters",
    "placeholder": "Example",
    "options": "Options",
    "multi_choice": "Several options",
    "allow_notes": "Ask for notes",
}


def read_settings(label_type: str, data: Mapping[str, str], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a posted form, for the type to check.

    Raise `Invalid` for settings that are too large to store: to check and show them would take minutes.
    """
    readers: dict[str, Callable[[str], object]] = {
        **dict.fromkeys(TEXTS, str),
        "multi_choice": bool,
        "options": lambda text: _read_options(text, stored.get("options")),
    }
    found = {name: readers.get(name, read_number)(data.get(name, "")) for name in FIELDS[label_type]}
    limits = {"max_bytes": settings.MAX_VALUE_BYTES, "max_depth": settings.MAX_VALUE_DEPTH}
    exact_json.check_storable(found, **limits, name="settings")
    return found


def settings_texts(label_type: str | None, stored: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of the form: stored settings, else defaults of all types."""
    defaults: dict[str, Any] = {}
    for name in LABEL_TYPES if label_type is None else [label_type]:
        defaults |= get_type(name).default_settings
    return {name: _spell(name, value) for name, value in {**defaults, **stored}.items() if _has_field(name)}


def _has_field(name: str) -> bool:
    return any(name in names for names in FIELDS.values())


def _spell(name: str, value: object) -> str:
    if name == "options":
        return "\n".join(_names_of(value))
    if name == "multi_choice":
        return "true" if value is True else ""
    return value if isinstance(value, str) else show(value)


def _names_of(options: object) -> list[str]:
    found = options if isinstance(options, list) else []
    return [str(option.get("label", "")) if isinstance(option, dict) else str(option) for option in found]


def _read_options(text: str, stored: object) -> list[Any]:
    """Return an option per line that is not blank; a stored one keeps its other keys."""
    options = stored if isinstance(stored, list) else []
    lines = unix_lines(text)
    if lines == _spell("options", options):
        return options
    known = dict(zip((name.strip() for name in _names_of(options)), options, strict=True))
    names = (line.strip() for line in lines.split("\n"))
    return [known.get(name, {"label": name}) for name in names if name]
