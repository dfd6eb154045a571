"""Options of a list, stored as `{"selected": ["positive"]}`."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any
from unicodedata import normalize

from modelhub.core.errors import Invalid
from modelhub.core.text import Hint, fold, is_visible, show, show_list
from modelhub.labels.types.base import (
    KEYS,
    Choice,
    LabelType,
    Level,
    Settings,
    Widget,
    invalid_settings,
    invalid_value,
    text_setting,
)


class Categorical(LabelType):
    name = "categorical"
    key = "selected"
    shapes = "an option or a list of options"
    is_closed = True
    default_settings = {
        "multi_choice": False,
        "rule_prompt": "",
        "auto_annotate": False,
        "strategy": None,
        "options": None,  # no default: null is rejected
    }

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        # Option and spelling by each label and value: both choose the option. Labels win over values, and exact
        # spellings over those in NFC, because options of earlier versions may cross.
        self.spellings: dict[str, tuple[int, str]] = {}
        for key in ("label", "value"):
            for at, option in enumerate(settings["options"]):
                if isinstance(name := option.get(key), str):
                    self.spellings.setdefault(name, (at, name))
        for name, choice in list(self.spellings.items()):
            self.spellings.setdefault(normalize("NFC", name), choice)
        # NFD has up to four characters for one of NFC.
        self.longest = 4 * max(map(len, self.spellings))

    @cached_property
    def names(self) -> list[str]:
        """Return the names of all options, each label before its value."""
        given = (option.get(key) for option in self.settings["options"] for key in ("label", "value"))
        return list(dict.fromkeys(name for name in given if isinstance(name, str)))

    @cached_property
    def rule(self) -> str:
        return f"selected must hold only options of the label ({show_list(self.names)})"

    @classmethod
    def plain(cls, stored: Mapping[str, Any]) -> Any:
        """Return the selected option, or the list where several are selected."""
        selected = stored.get(cls.key)
        return selected[0] if isinstance(selected, list) and len(selected) == 1 else selected

    @classmethod
    def readable(cls, stored: Mapping[str, Any], settings: Settings) -> str:
        content = stored.get(cls.key)
        # One option may be plain, as in the values of API rows.
        selected = [content] if isinstance(content, str) else content
        if isinstance(selected, list) and all(isinstance(option, str) for option in selected):
            return ", ".join(selected)
        return show(stored)

    def to_form(self, stored: Mapping[str, Any]) -> list[str]:
        """Return the options in their stored spelling, without those that are gone."""
        found = self._find_chosen(self.read_content(stored.get(self.key)) or [])
        return list(found.values()) if self.settings["multi_choice"] or len(found) == 1 else []

    @property
    def widget(self) -> Widget:
        return "options"

    def choices(self, strings: Sequence[str]) -> list[Choice]:
        """Return the options. A chosen one posts the spelling that chose it."""
        chosen = self._find_chosen(strings)
        return [
            Choice(chosen.get(at, option["label"]), option["label"], at in chosen, KEYS[at : at + 1])
            for at, option in enumerate(self.settings["options"])
        ]

    def _find_chosen(self, names: Sequence[str]) -> dict[int, str]:
        """Return the spellings of chosen options by position, without unknown names."""
        return dict(found for name in names if (found := self._find_choice(name)))

    @property
    def level(self) -> Level:
        return "set" if self.settings["multi_choice"] else "nominal"

    def comparable(self, content: object) -> frozenset[str]:
        selected = self.read_content(content)
        if selected is None:
            raise ValueError(content)
        return frozenset(map(self.spell, selected))

    def spell(self, part: object) -> str:
        """Return the label of an option, stored by its label or its value."""
        choice = self._find_choice(part) if isinstance(part, str) else None
        return super().spell(self.settings["options"][choice[0]]["label"] if choice else part)

    @classmethod
    def legal_values(cls, settings: Settings) -> str:
        options = ", ".join(option["label"] for option in settings["options"])
        return f"{'some' if settings['multi_choice'] else 'one'} of {options}"

    @classmethod
    def _checked(cls, settings: dict[str, Any]) -> dict[str, Any]:
        for key in ("multi_choice", "auto_annotate"):
            if not isinstance(settings[key], bool):
                raise invalid_settings(f"{key} must be true or false, got {show(settings[key])}")
        text_setting(settings, "rule_prompt")
        if settings["strategy"] not in (None, "Rag"):
            raise invalid_settings(f'strategy must be null or "Rag", got {show(settings["strategy"])}')
        return settings | {"options": _checked_options(settings["options"])}

    @classmethod
    def _checked_new(cls, settings: dict[str, Any], stored: Settings) -> dict[str, Any]:
        if settings["options"] == stored.get("options"):
            return settings
        seen: dict[str, tuple[int, str]] = {}
        for at, option in enumerate(settings["options"]):
            for key in ("label", "value"):
                name = option.get(key)
                if name is None:
                    continue
                if not isinstance(name, str) or not is_visible(name):
                    raise invalid_settings(
                        f"the {key} of an option must be a string of visible characters, got {show(name)}"
                    )
                other, spelling = seen.setdefault(fold(name), (at, name))
                if other != at:
                    raise _twins(spelling, name)
        return settings

    @classmethod
    def read_content(cls, content: object) -> list[str] | None:
        chosen = [content] if isinstance(content, str) else content
        if not isinstance(chosen, list) or not chosen or not all(isinstance(name, str) and name for name in chosen):
            return None
        return chosen if len(set(chosen)) == len(chosen) else None

    def _check_content(self, content: object) -> list[str]:
        sent = [content] if isinstance(content, str) else content
        if not isinstance(sent, list) or not sent:
            raise invalid_value(f"selected must be one option or a list of at least one, got {show(content)}")
        chosen: dict[int, str] = {}
        for name in sent:
            choice = self._find_choice(name) if isinstance(name, str) else None
            if choice is None:
                hint = Hint(name, self.names) if isinstance(name, str) else ""
                raise invalid_value(f"{self.rule}, got {show(name)}", hint=hint)
            option, spelling = choice
            if option in chosen:
                twice = (
                    f"{show(name)} twice" if chosen[option] == spelling else f"{show(chosen[option])} and {show(name)}"
                )
                raise invalid_value(f"selected must hold no option twice, got {twice}")
            chosen[option] = spelling
        if len(chosen) > 1 and not self.settings["multi_choice"]:
            raise invalid_value(f"selected must hold one option only, got {show(sent)}")
        return list(chosen.values())

    def _find_choice(self, name: str) -> tuple[int, str] | None:
        """Return the option that a name chooses, and its spelling in the settings."""
        if choice := self.spellings.get(name):
            return choice
        return self.spellings.get(normalize("NFC", name)) if len(name) <= self.longest else None


def _checked_options(options: object) -> list[dict[str, Any]]:
    if not isinstance(options, list) or len(options) < 2:
        raise invalid_settings(f"options must be a list of at least two options, got {show(options)}")
    objects = [_as_object(option) for option in options]
    seen: dict[str, str] = {}
    for option in objects:
        name = option["label"]
        folded = name.strip().lower()
        if folded in seen:
            raise _twins(seen[folded], name)
        seen[folded] = name
    return objects


def _as_object(option: object) -> dict[str, Any]:
    named = {"label": option} if isinstance(option, str) else option
    label = named.get("label") if isinstance(named, dict) else None
    if not isinstance(named, dict) or not isinstance(label, str) or not label.strip():
        raise invalid_settings(
            f'an option must be a string or an object with a "label" that is not empty, got {show(option)}'
        )
    return named


def _twins(one: str, other: str) -> Invalid:
    words = f"{show(one)} and {show(other)}"
    return invalid_settings(
        f"labels and values of options must differ by more than case, outer spaces and Unicode's form, got {words}"
    )
