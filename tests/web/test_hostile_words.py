"""Words that people wrote on all pages in Chromium: nothing runs, and no page scrolls sideways."""

from collections.abc import Callable
from typing import Any

from tests.servers import Server
from tests.web import pictures
from tests.web.conftest import Visitors
from tests.web.people import Person
from tests.web.scene import LABELS, Scene, call, make_scene
from tests.web.test_axe import OVERFLOW

RUN = "window.hacked=1"
HTML = f"<img src=x onerror={RUN}><svg onload={RUN}></svg><script>{RUN}</script></textarea></title>"
LINK = f"[go](javascript:{RUN}) javascript:{RUN}"
# Names have no marks of direction: the API rejects them.
HEBREW = "\u05e9\u05dc\u05d5\u05dd"
DIRECTIONS = f"\u202egnp.exe\u2067{HEBREW}"
LINE = "x" * 200_000
CONTENT: list[Any] = [
    {"messages": [{"role": HTML, "content": HTML + LINK + DIRECTIONS}, {"role": "user", "content": LINE}]},
    {"input": HTML, "output": LINK + DIRECTIONS, HTML: {LINE[:5000]: [HTML, {"a": [[[[LINE[:5000]]]]]}]}},
    LINE,
]


def rename(scene: Scene, name: str, settings: dict[str, Any] | None = None) -> None:
    """Give a label a hostile name and description."""
    body: dict[str, Any] = {"name": f"{name} {HTML}{HEBREW}"[:255], "description": HTML + LINK + LINE[:900]}
    if settings:
        body |= {"settings": settings}
    call(scene.server, "PUT", f"/model-hub/annotations-labels/{scene.labels[name]}/", body)


def make_hostile(server: Server, ada: Person) -> Scene:
    settings = {"description": HTML, "instructions": HTML + LINK + LINE[:5000]}
    scene = make_scene(server, f"{ada.id[-6:]} {HTML}"[:255], {ada: ["annotator"]}, items=3, **settings)
    for at, content in enumerate(CONTENT):
        source_id = f"{scene.queue}-{at}"
        body = {"source_type": "trace", "source_id": source_id, "content": content, "metadata": {HTML: LINE[:5000]}}
        call(server, "POST", "/model-hub/sources/", body | {"name": (HTML + HEBREW + LINE)[:255]})
    options = [HTML, LINK, HEBREW, LINE[:255], *(f"o {at}" for at in range(4996))]
    rename(scene, "Tone", {"options": options})
    for name in LABELS:
        if name != "Tone":
            rename(scene, name)
    call(server, "PATCH", f"/model-hub/users/{ada.id}/", {"name": (HTML + HEBREW)[:255]})
    values = pictures.values(3) | {"Tone": [HTML], "Correction": (HTML + LINK + LINE)[:500]}
    scene.annotate(ada, 0, values)
    return scene


def test_words_of_people_are_text_on_every_page(
    server: Server, visitors: Visitors, person: Callable[..., Person]
) -> None:
    ada = person("ada")
    scene = make_hostile(server, ada)
    scene.items += scene.items * 4
    page = visitors.log_in()
    paths = pictures.admin_paths(scene, ada)
    paths |= {f"annotate {at}": f"/queues/{scene.queue}/annotate/{scene.items[at]}/" for at in range(3)}
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    found = {}
    for name, path in paths.items():
        answer = page.goto(path, wait_until="networkidle")
        assert answer is not None
        assert answer.status == 200, name
        for width in (320, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            found[f"{name} {width}"] = page.evaluate(OVERFLOW)
        assert page.evaluate("window.hacked") is None, name
        # Neither an element of the words nor a link of them.
        assert page.locator("img[src=x], svg[onload], [href^='javascript:' i]").count() == 0, name
    assert {name: wide for name, wide in found.items() if wide} == {}
    assert dialogs == []
