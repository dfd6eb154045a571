"""Hands of an annotator in Chromium: a keyboard, and nothing that a person cannot see."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.servers import Server
from tests.web.scene import LABELS, Scene, call

# Names of options by the key that chooses them.
TONES = LABELS["Tone"][2]["options"]
PROBLEMS = LABELS["Problems"][2]["options"]


@dataclass
class Answers:
    """Answers of one item as they are typed: numbers of keys, digits and text."""

    stars: int
    tone: int
    problems: tuple[int, ...]
    right: int
    confidence: str
    correction: str = ""
    note: str = ""
    item_note: str = ""

    def stored(self) -> dict[str, Any]:
        """Return the values as an export has them, by the short name of the label."""
        chosen = [PROBLEMS[at - 1] for at in sorted(self.problems)]
        values: dict[str, Any] = {
            "Quality": self.stars,
            "Tone": TONES[self.tone - 1],
            "Problems": chosen[0] if len(chosen) == 1 else chosen,
            "Right": "up" if self.right == 1 else "down",
            "Confidence": int(self.confidence),
        }
        return values | ({"Correction": self.correction} if self.correction else {})


def answers_at(at: int) -> Answers:
    """Return answers that differ from item to item."""
    return Answers(
        stars=at % 5 + 1,
        tone=at % 3 + 1,
        problems=tuple(sorted({at % 4 + 1, at * 3 % 4 + 1})),
        right=at % 2 + 1,
        confidence=str(at * 5 % 105),
        # Letters and digits that are commands outside of a text.
        correction=f"su? {at} ni 123" if at % 2 else "",
        note=f"note {at}" if at % 5 == 0 else "",
        item_note=f"all of {at}" if at % 7 == 0 else "",
    )


def type_answers(page: Page, answers: Answers) -> None:
    """Answer all labels of the item by keys, without a submit."""
    keys = page.keyboard
    expect(page.get_by_role("radio", name="1 star")).to_be_focused()
    keys.press(str(answers.stars))
    if answers.note:
        keys.press("n")
        keys.type(answers.note)
        keys.press("Escape")
    keys.press("Enter")
    keys.press(str(answers.tone))
    keys.press("ArrowDown")
    for problem in answers.problems:
        keys.press(str(problem))
    keys.press("Tab")
    keys.press(str(answers.right))
    keys.press("Enter")
    keys.type(answers.confidence)
    keys.press("Enter")
    if answers.correction:
        keys.type(answers.correction)
    if answers.item_note:
        keys.press("Escape")
        keys.press("N")
        keys.type(answers.item_note)


def submit(page: Page) -> None:
    page.keyboard.press("Control+Enter")


def source(page: Page, name: str) -> Locator:
    """Return the name of the source that the page shows."""
    return page.get_by_role("region", name="Content").get_by_text(name, exact=True)


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if target.evaluate("(element) => element === document.activeElement"):
            return
    raise AssertionError(f"Tab does not reach {target}")


def export(server: Server, scene: Scene) -> list[dict[str, Any]]:
    """Return the items of the queue with all that was stored, in their order."""
    rows: list[dict[str, Any]] = call(server, "GET", f"{scene.api}export/")
    return sorted(rows, key=lambda row: int(row["order"]))


def values_of(row: dict[str, Any], email: str) -> dict[str, Any]:
    """Return the completed values of one person on an exported item, by the short name of the label."""
    return {
        one["label_name"].split(" of ")[0]: one["value"]
        for one in row["annotations"]
        if one["annotator_email"] == email and one["completed"]
    }
