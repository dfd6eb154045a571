"""Define the interface of a label type and shared helpers, without Django."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from modelhub.core.errors import Invalid
from modelhub.core.text import did_you_mean, show

Settings = Mapping[str, Any]

LARGEST_SETTING = 10**9


class LabelType(ABC):
    """One label type: its settings, its value rule and the plain form of its values.

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
        """Take checked settings; those that are left out have their defaults."""
        self.settings = {**self.default_settings, **settings}

    @classmethod
    def check_settings(cls, settings: object) -> dict[str, Any]:
        """Return the complete settings: defaults filled in, extra keys kept.

        None and {} take every default. Raise `Invalid` for unfit settings, and for an object that holds none of the
        type's keys: `{"stars": 5}` is more likely a mistake than a wish for defaults.
        """
        if settings is None:
            settings = {}
        if not isinstance(settings, Mapping):
            raise Invalid(f"settings must be an object, got {show(settings)}")
        known = list(cls.default_settings)
        if settings and known and not any(key in settings for key in known):
            raise Invalid(
                f"settings of a {cls.name} label must hold at least one of {', '.join(known)}, "
                f"got {show(settings)}{did_you_mean(next(iter(settings)), known)}"
            )
        return cls._checked({**cls.default_settings, **settings})

    @classmethod
    def plain(cls, stored: Mapping[str, Any]) -> Any:
        """Return a stored value as a scalar or list, as exports show it."""
        return stored.get(cls.key)

    @classmethod
    def readable(cls, stored: Mapping[str, Any], settings: Settings) -> str:
        """Return a stored value in words, such as "4 of 5"."""
        content = cls.plain(stored)
        return content if isinstance(content, str) else show(stored if content is None else content)

    @classmethod
    def legal_values(cls, settings: Settings) -> str:
        """Return the values that complete settings allow, for people."""
        raise NotImplementedError

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
    def _checked(cls, settings: dict[str, Any]) -> dict[str, Any]:
        """Return checked settings, normalized. Raise `Invalid`."""
        return settings

    @abstractmethod
    def _check_content(self, content: Any) -> Any:
        """Return the content of `key`, normalized. Raise `Invalid`."""


def invalid_value(sentence: str) -> Invalid:
    """Return the error of a value that its label rejects."""
    return Invalid(sentence, code="invalid_value")


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


def whole_setting(settings: Settings, key: str, *, minimum: int) -> int:
    """Return a setting that must be a whole number. Raise `Invalid` for anything else."""
    number = as_number(settings[key])
    if number is None or not minimum <= number <= LARGEST_SETTING or number != int(number):
        raise Invalid(f"{key} must be a whole number from {minimum} to {LARGEST_SETTING}, got {show(settings[key])}")
    return int(number)


def text_setting(settings: Settings, key: str) -> str:
    """Return a setting that must be a string. Raise `Invalid` for anything else."""
    if not isinstance(settings[key], str):
        raise Invalid(f"{key} must be a string, got {show(settings[key])}")
    return str(settings[key])
