"""Define the interface of a label type and shared helpers, without Django."""

import re
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, ClassVar, Literal
from unicodedata import normalize

from modelhub.core.errors import Invalid
from modelhub.core.text import MISSPELLED, Hint, find_similar, show

Settings = Mapping[str, Any]

# The levels of measurement by which values are compared; free text has none.
Level = Literal["nominal", "ordinal", "interval", "set", "none"]

# The kinds of form fields; `number` is an input of numbers, `digits` one for numbers that no double holds.
Widget = Literal["stars", "options", "thumbs", "buttons", "slider", "number", "digits", "text"]

NONE: Settings = MappingProxyType({})
LARGEST_SETTING = 10**9
# The keys that choose the first ten choices of a form.
KEYS = "1234567890"
# Numbers as HTML spells them, and with a plus sign or a last point.
TYPED_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
# Python's int() raises `ValueError` for longer strings of digits.
MAX_INT_DIGITS = 4300

# Other words for settings, in lower case without hyphens and underscores.
SETTING_SYNONYMS = {
    **dict.fromkeys(("step", "increment", "stepvalue"), "step_size"),
    **dict.fromkeys(("minimum", "minvalue"), "min"),
    **dict.fromkeys(("maximum", "maxvalue"), "max"),
    **dict.fromkeys(("stars", "maxstars", "numstars", "numofstars", "numberofstars"), "no_of_stars"),
    **dict.fromkeys(("choices", "categories", "labels", "values"), "options"),
    **dict.fromkeys(("multi", "multiple", "multiselect", "allowmultiple", "multiplechoice"), "multi_choice"),
    **dict.fromkeys(("min", "minimumlength", "minlen"), "min_length"),
    **dict.fromkeys(("max", "maximumlength", "maxlen"), "max_length"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A radio button or checkbox: the string that it posts, its name and its key."""

    posted: str
    name: str
    is_chosen: bool
    key: str


class LabelType(ABC):
    """One label type: its settings, value rule, plain form and fields of forms.

    An instance has the settings of a label and checks its values. A stored value is an object with the type's `key`;
    clients may send the content of that key alone, too. Other keys of the object belong to the client and are kept
    (contract 0.5).
    """

    name: ClassVar[str]
    key: ClassVar[str]
    # The values accepted in place of an object, for error sentences.
    shapes: ClassVar[str]
    # True if few values are legal, all of them storable: then they need no further check.
    is_closed: ClassVar[bool] = False
    default_settings: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, settings: Settings) -> None:
        """Take complete settings, as `check_settings` returns them."""
        self.settings = settings

    @classmethod
    def check_settings(cls, given: object, stored: Settings = NONE, *, keep: bool = False) -> dict[str, Any]:
        """Return the complete settings of a label, new or with `stored` ones.

        Keys that are not given keep their stored values with `keep`, else they take the defaults; extra keys are kept.
        Raise `Invalid` for unfit settings, for a misspelled key, and for an object that holds none of the type's keys:
        `{"stars": 5}` is more likely a mistake than a wish for defaults.
        """
        before = {**cls.default_settings, **stored} if keep else cls.default_settings
        return cls._checked_new(cls._checked({**before, **cls._checked_keys(given)}), stored)

    @classmethod
    def read_settings(cls, stored: object) -> dict[str, Any]:
        """Return stored settings, completed. Raise `Invalid` for unfit ones.

        They may break rules that are newer than the label.
        """
        if not isinstance(stored, Mapping):
            raise invalid_settings(f"settings must be an object, got {show(stored)}")
        return cls._checked({**cls.default_settings, **stored})

    @classmethod
    def _checked_keys(cls, settings: object) -> Mapping[str, Any]:
        if not isinstance(settings, Mapping):
            raise invalid_settings(f"settings must be an object, got {show(settings)}")
        known = list(cls.default_settings)
        if settings and known and not any(key in settings for key in known):
            sentence = f"settings of a {cls.name} label must hold at least one of {', '.join(known)}"
            raise invalid_settings(f"{sentence}, got {show(settings)}", hint=Hint(next(iter(settings)), known))
        for key in settings:
            if (meant := _find_meant(key, known)) and meant not in settings:
                sentence = f"Unknown setting {show(key)} of a {cls.name} label. Did you mean {show(meant)}?"
                raise invalid_settings(sentence, code="unknown_setting")
        return settings

    @classmethod
    def plain(cls, stored: Mapping[str, Any]) -> Any:
        """Return a stored value as a scalar or list, as exports show it."""
        return stored.get(cls.key)

    @classmethod
    def readable(cls, stored: Mapping[str, Any], settings: Settings) -> str:
        """Return a stored value in words, such as "4 of 5"."""
        content = cls.plain(stored)
        return content if isinstance(content, str) else show(stored if content is None else content)

    def spell(self, part: object) -> str:
        """Return a scalar of a stored value as text; equal ones have one text."""
        return spell_plain(part)

    @property
    def level(self) -> Level:
        return "nominal"

    def comparable(self, content: Any) -> Hashable:
        """Return the content of `key` for statistics; equal ones are equal.

        Raise `ValueError` for a content that the type does not know.
        """
        read = self.read_content(content)
        if read is None:
            raise ValueError(content)
        return self.spell(read)

    @classmethod
    def legal_values(cls, settings: Settings) -> str:
        """Return the values that complete settings allow, for people."""
        raise NotImplementedError

    @classmethod
    def from_form(cls, strings: Sequence[str]) -> object:
        """Return the value that a form field has posted, for `check`; None if it is blank.

        Several strings stay a list, which only options allow.
        """
        sent = [string for string in strings if string]
        if not sent:
            return None
        return cls._read_typed(sent[0]) if len(sent) == 1 else sent

    def to_form(self, stored: Mapping[str, Any]) -> list[str]:
        """Return the strings of a form field that is filled in with a stored value.

        `from_form` makes the value of them again. Values that the settings reject are left out.
        """
        try:
            return [str(self.check(dict(stored))[self.key])]
        except Invalid:
            return []

    @property
    @abstractmethod
    def widget(self) -> Widget:
        """Return the kind of form field that fits the settings."""

    @property
    def limits(self) -> Mapping[str, str]:
        """Return the limits of a typed value as HTML spells them, by name."""
        return {}

    def choices(self, strings: Sequence[str]) -> list[Choice]:
        """Return the radio buttons or checkboxes of the field, filled in with strings."""
        return []

    @classmethod
    def _read_typed(cls, text: str) -> object:
        return text

    def check(self, value: object) -> dict[str, Any]:
        """Return the value as it is stored. Raise `Invalid`.

        A blank value (null, "", []) is invalid like any other wrong value. JSON types count: "4" and true are not
        numbers, 4.0 is a whole number.
        """
        if not isinstance(value, dict):
            return {self.key: self._check_content(value)}
        if self.key not in value:
            raise invalid_value(f'value must be an object with "{self.key}" or {self.shapes}, got {show(value)}')
        return {**value, self.key: self._check_content(value[self.key])}

    @classmethod
    def check_shape(cls, value: object) -> dict[str, Any]:
        """Return the value as it is stored, legal under the settings of its label or not.

        Raise `Invalid` for a value that no settings allow.
        """
        named = value if isinstance(value, dict) else {cls.key: value}
        content = cls.read_content(named.get(cls.key))
        if content is None:
            raise invalid_value(f'value must be an object with "{cls.key}" or {cls.shapes}, got {show(value)}')
        return {**named, cls.key: content}

    @classmethod
    @abstractmethod
    def read_content(cls, content: Any) -> Any:
        """Return the content of `key`, normalized, or None if no settings allow it."""

    @classmethod
    def _checked(cls, settings: dict[str, Any]) -> dict[str, Any]:
        """Return checked settings, normalized. Raise `Invalid`."""
        return settings

    @classmethod
    def _checked_new(cls, settings: dict[str, Any], stored: Settings) -> dict[str, Any]:
        """Return settings that a new label may have. Raise `Invalid`.

        Those that are `stored` already may come from an earlier version.
        """
        return settings

    @abstractmethod
    def _check_content(self, content: Any) -> Any:
        """Return the content of `key`, normalized. Raise `Invalid`."""


def invalid_value(sentence: str, *, hint: object = "") -> Invalid:
    """Return the error of a value that its label rejects."""
    return Invalid(sentence, code="invalid_value", field="value", hint=hint)


def invalid_settings(sentence: str, *, code: str = "", hint: object = "") -> Invalid:
    """Return the error of settings that their type rejects."""
    return Invalid(sentence, code=code, field="settings", hint=hint)


def _find_meant(key: str, known: list[str]) -> str | None:
    """Return the setting that a key most likely means; extra keys have no effect."""
    if key in known:
        return None
    plain = _plain(key)
    same = (name for name in known if _plain(name) == plain)
    synonym = SETTING_SYNONYMS.get(plain)
    return next(same, None) or (synonym if synonym in known else find_similar(key, known, cutoff=MISSPELLED))


def _plain(key: str) -> str:
    """Return a key without case, hyphens and underscores: noOfStars is no_of_stars."""
    return key.lower().replace("_", "").replace("-", "").replace(" ", "")


def spell_plain(part: object) -> str:
    """Return a scalar as text: numbers by value, strings in NFC."""
    if isinstance(part, str):
        return normalize("NFC", part)
    if not isinstance(part, Decimal):
        return show(part)
    digits = f"{part:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def as_number(value: object) -> int | Decimal | None:
    """Return a JSON number, or None: booleans, NaN and infinities are no numbers.

    A float becomes the decimal that it prints as, so that 0.3 is three times 0.1.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        value = Decimal(repr(value))
    return value if isinstance(value, Decimal) and value.is_finite() else None


def read_number(text: str) -> int | Decimal | str:
    """Return the exact number that a text spells, or the text if it spells none."""
    typed = text.strip()
    if not TYPED_NUMBER.fullmatch(typed):
        return text
    if typed.lstrip("+-").isdigit() and len(typed) <= MAX_INT_DIGITS:
        return int(typed)
    try:
        number = Decimal(typed)
    except InvalidOperation:
        return text
    return number or number.copy_abs()


def whole_setting(settings: Settings, key: str, *, minimum: int) -> int:
    """Return a setting that must be a whole number. Raise `Invalid` for anything else."""
    number = as_number(settings[key])
    if number is None or not minimum <= number <= LARGEST_SETTING or number != int(number):
        raise invalid_settings(
            f"{key} must be a whole number from {minimum} to {LARGEST_SETTING}, got {show(settings[key])}"
        )
    return int(number)


def text_setting(settings: Settings, key: str) -> str:
    """Return a setting that must be a string. Raise `Invalid` for anything else."""
    if not isinstance(settings[key], str):
        raise invalid_settings(f"{key} must be a string, got {show(settings[key])}")
    return str(settings[key])
