"""A queue as a team would have it: five labels, people, and sources with content, made over the API."""

from dataclasses import dataclass, field
from typing import Any

from tests.servers import Server
from tests.web.people import Person

LABELS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "Quality": ("star", "How good is the answer as a whole?", {"no_of_stars": 5}),
    "Tone": ("categorical", "The tone of the last answer.", {"options": ["friendly", "neutral", "cold"]}),
    "Problems": (
        "categorical",
        "Everything that is wrong with it.",
        {"options": ["invented facts", "no source", "too long", "off topic"], "multi_choice": True},
    ),
    "Right": ("thumbs_up_down", "Would an expert agree?", {}),
    "Confidence": ("numeric", "Your confidence, in percent.", {"min": 0, "max": 100, "step_size": 5}),
    "Correction": ("text", "A better answer, if you have one.", {"max_length": 500, "placeholder": "Dear customer, …"}),
}
REQUIRED = {"Quality", "Tone", "Right"}
QUESTIONS = (
    ("How long do refunds take?", "Refunds reach your account within five working days."),
    ("Can I change my delivery address?", "Yes: open the order, then select “Change address”, until it is packed."),
    ("My invoice is wrong.", "I am sorry to hear that. Which amount is wrong, and which one did you expect?"),
)


@dataclass
class Scene:
    """The queue of a scene, with the ids of labels and items by name and position."""

    server: Server
    queue: str
    labels: dict[str, str] = field(default_factory=dict)
    items: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)

    @property
    def api(self) -> str:
        return f"/model-hub/annotation-queues/{self.queue}/"

    def annotate(self, person: Person, at: int, values: dict[str, object], *, complete: bool = True) -> None:
        """Submit a person's values on the item at a position, and complete it."""
        entries = [{"label_id": self.labels[name], "value": value} for name, value in values.items()]
        item = f"{self.api}items/{self.items[at]}/"
        call(self.server, "POST", f"{item}annotations/submit/", {"annotations": entries}, person)
        if complete:
            call(self.server, "POST", f"{item}complete/", {}, person)


def call(server: Server, method: str, path: str, body: object = None, person: Person | None = None) -> Any:
    """Return the body of an answer that must be a success; by default of the admin's key."""
    headers = person.headers if person else server.headers
    answer = server.request(method, path, json=body, headers=headers)
    assert answer.status_code in {200, 201}, (path, answer.text)
    return answer.json()


def make_scene(
    server: Server, name: str, people: dict[Person, list[str]], *, items: int = 30, **settings: Any
) -> Scene:
    """Create labels, sources with content and an active queue; `people` have roles in it."""
    fields = {"name": name, "instructions": "Judge the last answer only. Skip what you cannot read.", **settings}
    created = call(server, "POST", "/model-hub/annotation-queues/", fields)
    scene = Scene(server, created["id"])
    for label, (kind, description, options) in LABELS.items():
        body: dict[str, Any] = {"name": f"{label} of {name}", "type": kind, "settings": options}
        body |= {"description": description, "allow_notes": label == "Quality"}
        label_id = call(server, "POST", "/model-hub/annotations-labels/", body)["result"]["id"]
        scene.labels[label] = label_id
        attached = {"label_id": label_id, "required": label in REQUIRED}
        call(server, "POST", f"{scene.api}add-label/", attached)
    for person, roles in people.items():
        call(server, "POST", f"{scene.api}members/", {"user_id": person.id, "roles": roles})
    sources = [
        {"source_type": "trace", "source_id": f"{created['id']}-{at}", "name": f"Conversation {at + 1}",
         "content": conversation(at), "metadata": {"model": "small-1", "seconds": 1.2}}
        for at in range(items)
    ]  # fmt: skip
    registered = call(server, "POST", "/model-hub/sources/bulk/", {"sources": sources})["sources"]
    scene.sources = [source["id"] for source in registered]
    added = [{"source_type": "trace", "source_id": source["source_id"]} for source in sources]
    call(server, "POST", f"{scene.api}items/add-items/", {"items": added})
    call(server, "POST", f"{scene.api}update-status/", {"status": "active"})
    listed = call(server, "GET", f"{scene.api}items/?page_size=100")["results"]
    scene.items = [item["id"] for item in sorted(listed, key=lambda item: item["order"])]
    return scene


def conversation(at: int) -> dict[str, Any]:
    """Return the content of one source: every third one is no conversation."""
    question, answer = QUESTIONS[at % len(QUESTIONS)]
    if at % 3 == 2:
        return {"input": {"question": question, "customer": at}, "output": answer, "usage": {"tokens": 120 + at}}
    return {
        "messages": [
            {"role": "system", "content": "You answer customers of a shop. Name the source of each fact."},
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
    }
