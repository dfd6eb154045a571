"""Every page of `modelhub.web.urls` with realistic data, for tests that look at all of them."""

from dataclasses import dataclass

import psycopg

from modelhub.accounts.keys import digest
from tests.servers import Server
from tests.web import pictures
from tests.web.people import ADMIN, Person, create_person
from tests.web.scene import Scene, call, make_scene

# No page: a form alone, a file, a part of a page, the answer to a script.
NO_PAGES = {"logout", "queue-export", "preview-new-label", "preview-label", "reserve"}
TOKEN = "a-token-of-a-test"
INVITE = """
    INSERT INTO modelhub_invitation (id, organization_id, user_id, created_by_id, token_digest, created_at, expires_at)
    SELECT gen_random_uuid(), organization_id, id, id, %s, now(), now() + interval '1 day' FROM modelhub_user
    WHERE id = %s
"""


@dataclass(frozen=True)
class Place:
    """A page, and the email of the person that opens it; None for a visitor."""

    name: str
    path: str
    email: str | None


def make_places(server: Server) -> list[Place]:
    """Create a queue with work of three people, and return all pages."""
    ada, ben, cleo = (create_person(server, name) for name in ("ada", "ben", "cleo"))
    people = {ada: ["annotator"], ben: ["annotator"], cleo: ["reviewer"]}
    scene = make_scene(server, "Refund answers", people, items=14, annotations_required=2, requires_review=True)
    for at, both in enumerate(pictures.QUALITY[:6]):
        for person, stars in zip((ada, ben), both, strict=True):
            scene.annotate(person, at, pictures.values(stars))
    review(scene, 0, cleo, {"action": "approve"})
    comment = {"label_id": scene.labels["Quality"], "comment": "Why?", "target_annotator_id": ada.id}
    review(scene, 3, cleo, {"action": "request_changes", "label_comments": [comment]})
    done = make_scene(server, "Done", {ada: ["annotator"]}, items=1)
    done.annotate(ada, 0, pictures.values(4))
    queue = f"/queues/{scene.queue}/"
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        key = connection.execute("SELECT id FROM modelhub_apikey WHERE user_id = %s", [ada.id]).fetchone()
        assert key is not None
        connection.execute(INVITE, [digest(TOKEN), ada.id])
    admin = pictures.admin_paths(scene, ada) | {
        "review-list-approved": f"{queue}review/?status=approved",
        "key": f"/keys/{key[0]}/",
        "error": f"/queues/{scene.items[0]}/",
    }
    return [
        Place("invitation", f"/invitation/{TOKEN}/", None),
        *(Place(name, path, None) for name, path in pictures.visitor_paths().items()),
        *(Place(name, path, ada.email) for name, path in pictures.annotator_paths(scene).items()),
        Place("annotate-returned", f"{queue}annotate/{scene.items[3]}/", ada.email),
        Place("start-annotating", f"/queues/{done.queue}/annotate/", ada.email),
        *(Place(name, path, ADMIN) for name, path in admin.items()),
    ]


def review(scene: Scene, at: int, person: Person, body: dict[str, object]) -> None:
    call(scene.server, "POST", f"{scene.api}items/{scene.items[at]}/review/", body, person)
