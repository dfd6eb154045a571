"""Options of a list, stored as `{"selected": ["positive"]}`."""

from collections.abc import Mapping
from typing import Any

from modelhub.core.errors import Invalid
from modelhub.core.text import did_you_mean, show, show_list
from modelhub.labels.types.base import LabelType, Settings, invalid_value, text_setting


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
        # An option has a label, and perhaps a value: both choose it.
        given = (option.get(key) for option in self.settings["options"] for key in ("label", "value"))
        self.names = [name for name in given if isinstance(name, str)]
        self.known = frozenset(self.names)

    @classmethod
    def plain(cls, stored: Mapping[str, Any]) -> Any:
        """Return the selected option, or the list where several are selected."""
        selected = stored.get(cls.key)
        return selected[0] if isinstance(selected, list) and len(selected) == 1 else selected

    @classmethod
    def readable(cls, stored: Mapping[str, Any], settings: Settings) -> str:
        selected = stored.get(cls.key)
        if isinstance(selected, list) and all(isinstance(option, str) for option in selected):
            return ", ".join(selected)
        return show(stored)

    @classmethod
    def legal_values(cls, settings: Settings) -> str:
        options = ", ".join(option["label"] for option in settings["options"])
        return f"{'some' if settings['multi_choice'] else 'one'} of {options}"

    @classmethod
    def _checked(cls, settings: dict[str, Any]) -> dict[str, Any]:
        for key in ("multi_choice", "auto_annotate"):
            if not isinstance(settings[key], bool):
                raise Invalid(f"{key} must be true or false, got {show(settings[key])}")
        text_setting(settings, "rule_prompt")
        if settings["strategy"] not in (None, "Rag"):
            raise Invalid(f'strategy must be null or "Rag", got {show(settings["strategy"])}')
        return settings | {"options": _checked_options(settings["options"])}

    def _check_content(self, content: object) -> list[str]:
        chosen = [content] if isinstance(content, str) else content
        if not isinstance(chosen, list) or not chosen:
            raise invalid_value(f"selected must be one option or a list of at least one, got {show(content)}")
        for at, option in enumerate(chosen):
            if not isinstance(option, str) or option not in self.known:
                raise invalid_value(
                    f"selected must hold only options of the label ({show_list(self.names)}), got {show(option)}"
                    f"{did_you_mean(option, self.names)}"
                )
            if option in chosen[:at]:
                raise invalid_value(f"selected must hold no option twice, got {show(option)} twice")
        if len(chosen) > 1 and not self.settings["multi_choice"]:
            raise invalid_value(f"selected must hold one option only, got {show(chosen)}")
        return chosen


def _checked_options(options: object) -> list[dict[str, Any]]:
    if not isinstance(options, list) or len(options) < 2:
        raise Invalid(f"options must be a list of at least two options, got {show(options)}")
    objects = [_as_object(option) for option in options]
    seen: dict[str, str] = {}
    for option in objects:
        name = option["label"]
        folded = name.strip().casefold()
        if folded in seen:
            twins = f"{show(seen[folded])} and {show(name)}"
            raise Invalid(f"options must differ by more than case and outer spaces, got {twins}")
        seen[folded] = name
    return objects


def _as_object(option: object) -> dict[str, Any]:
    named = {"label": option} if isinstance(option, str) else option
    label = named.get("label") if isinstance(named, dict) else None
    if not isinstance(named, dict) or not isinstance(label, str) or not label.strip():
        raise Invalid(f'an option must be a string or an object with a "label" that is not empty, got {show(option)}')
    return named
