"""`make pages`: pictures of every page, 400 and 1440 pixels wide, light and dark.

They are written to build/pages; three of them to docs/pictures, too, for the README.
"""

from typing import Literal

from playwright.sync_api import Browser

from tests.browser import chromium
from tests.folders import ROOT, temporary_folder
from tests.servers import EMBEDDED, running_server
from tests.web.people import ADMIN, PASSWORD, Person, create_person, fill_login
from tests.web.scene import Scene, call, make_scene

FOLDER = ROOT / "build" / "pages"
README = ROOT / "docs" / "pictures"
WIDTHS = (400, 1440)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# Of the README, as high as the window.
SHOWN = {(name, 1440, "light") for name in ("annotate", "review", "queue-results")}
QUALITY = ((4, 5), (2, 4), (5, 5), (3, 3), (1, 2), (4, 4), (5, 4), (2, 2), (3, 4), (5, 5))

APPROVED = (0, 2, 3, 5, 7, 9)


def main() -> None:
    """Start a server with a scene, and take all pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    more = EMBEDDED | {"MODELHUB_BOOTSTRAP_PASSWORD": PASSWORD}
    with temporary_folder() as folder, running_server(folder, **more) as server:
        ada, ben, cleo = (create_person(server, name) for name in ("ada", "ben", "cleo"))
        people = {ada: ["annotator"], ben: ["annotator"], cleo: ["reviewer"]}
        settings = {"annotations_required": 2, "requires_review": True}
        scene = make_scene(server, "Refund answers", people, items=20, **settings)
        for at, (first, second) in enumerate(QUALITY):
            for person, stars in ((ada, first), (ben, second)):
                scene.annotate(person, at, values(stars))
        for at in APPROVED:
            call(server, "POST", f"{scene.api}items/{scene.items[at]}/review/", {"action": "approve"}, cleo)
        with chromium() as browser:
            take(browser, server.base_url, "", visitor_paths())
            take(browser, server.base_url, ada.email, annotator_paths(scene))
            take(browser, server.base_url, ADMIN, admin_paths(scene, ada))


def values(stars: int) -> dict[str, object]:
    """Return the values of a person that gives so many stars."""
    return {
        "Quality": stars,
        "Tone": ["friendly"] if stars > 3 else ["neutral"],
        "Problems": ["no source"] if stars < 4 else ["too long"],
        "Right": "up" if stars > 2 else "down",
        "Confidence": 20 * stars,
        "Correction": "Name the page that says so.",
    }


def visitor_paths() -> dict[str, str]:
    return {"start": "/", "login": "/login/"}


def annotator_paths(scene: Scene) -> dict[str, str]:
    queue = f"/queues/{scene.queue}/"
    return {"work": "/", "annotate": f"{queue}annotate/{scene.items[12]}/", "password": "/password/"}


def admin_paths(scene: Scene, person: Person) -> dict[str, str]:
    """Return the addresses of all other pages."""
    queue, label = f"/queues/{scene.queue}/", scene.labels["Quality"]
    source = scene.sources[0]
    return {
        "queues": "/queues/",
        "new-queue": "/queues/new/",
        "queue": queue,
        "edit-queue": f"{queue}edit/",
        "items": f"{queue}items/",
        "add-items": f"{queue}add/",
        "review-list": f"{queue}review/",
        "review": f"{queue}review/{scene.items[1]}/",
        "queue-results": f"{queue}results/",
        "labels": "/labels/",
        "new-label": "/labels/new/",
        "edit-label": f"/labels/{label}/",
        "label-results": f"/labels/{label}/results/",
        "sources": "/sources/",
        "source": f"/sources/{source}/",
        "people": "/people/",
        "person": f"/people/{person.id}/",
        "keys": "/keys/",
    }


def take(browser: Browser, base_url: str, email: str, paths: dict[str, str]) -> None:
    """Take the pictures of pages in all sizes and schemes, as a person or as a visitor."""
    with browser.new_context(base_url=base_url) as context:
        page = context.new_page()
        if email:
            page.goto("/login/")
            fill_login(page, email)
            page.wait_for_url("**/")
        for name, path in paths.items():
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                page.goto(path, wait_until="networkidle")
                for scheme in SCHEMES:
                    page.emulate_media(color_scheme=scheme)
                    page.screenshot(path=FOLDER / f"{name}-{width}-{scheme}.png", full_page=name != "annotate")
                    if (name, width, scheme) in SHOWN:
                        page.screenshot(path=README / f"page_{name}.png")


if __name__ == "__main__":
    main()
