"""Pages of queues of different sizes: submit and next by twenty people, the lists of managers, and a real browser."""

import os
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from threading import Barrier

from playwright.sync_api import sync_playwright

from benchmarks.bodies import ADMIN
from benchmarks.clients import TIMEOUT
from benchmarks.measure import Bench, Cell
from benchmarks.queues import RESET, make_queue
from benchmarks.servers import Subject
from benchmarks.visitors import Answer, Visitor, connected
from tests.browser import CHROMIUM
from tests.postgres import Postgres

PEOPLE, LABELS = 20, 5
# Items that all clients submit in a round at most, and those of a round of the browser.
WORK, DRAWN = 400, 20
# Mean seconds of a person per item, each with the time of such work in a round as a multiple of that of others.
PACES = ((2.0, 4), (10.0, 12))
# What people post, by the type of the label.
POSTED = {
    "star": "3",
    "categorical": "neutral",
    "text": "Right, but longer than it needs to be.",
    "numeric": "5",
    "thumbs_up_down": "up",
}
# People log in with the password of the admin; sources are conversations; one of ten items waits for a review.
STEPS = (
    """
UPDATE modelhub_user SET password = admin.password FROM modelhub_user AS admin
WHERE modelhub_user.email LIKE 'worker%%@example.com' AND admin.email = %(admin)s
""",
    """
UPDATE modelhub_source SET content = jsonb_build_object('messages', jsonb_build_array(
    jsonb_build_object('role', 'user', 'content', 'Where is ' || source_key || '? ' || repeat('It is late. ', 20)),
    jsonb_build_object('role', 'assistant', 'content', repeat('It left our warehouse yesterday. ', 20)),
    jsonb_build_object('role', 'user', 'content', repeat('When does it arrive? ', 10)),
    jsonb_build_object('role', 'assistant', 'content', repeat('Tomorrow, before noon. ', 30))
)) WHERE source_key LIKE 'work-%%'
""",
    """
UPDATE modelhub_item SET status = 'in_progress', review_status = 'pending_review', completed_at = NULL
WHERE queue_id = %(queue)s::uuid AND status = 'completed' AND "order" %% 10 = 3
""",
    "VACUUM ANALYZE modelhub_user, modelhub_source, modelhub_item",
)
FILL = """values => {
  for (const [name, value] of Object.entries(values)) {
    for (const field of document.getElementsByName(name)) {
      if (field.type !== "radio") field.value = value;
      else if (field.value === value) field.checked = true;
      else continue;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }
}"""
# Chromium drops keys that are pressed before it has drawn a page for the first time.
SHOWN = "() => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))"
# A frame is drawn after its animation callbacks, and before a message that they send to the page itself.
WATCH = """() => {
  const item = () => document.getElementById("annotate")?.dataset.item;
  const before = item();
  let pressed;
  addEventListener("keydown", event => { if (event.key === "Enter") pressed = event.timeStamp; }, { capture: true });
  window.drawn = new Promise((resolve, reject) => {
    setTimeout(reject, 60000, new Error("no other item is drawn"));
    const channel = new MessageChannel();
    channel.port1.onmessage = () => resolve(performance.now() - pressed);
    const observer = new MutationObserver(() => {
      if (!item() || item() === before) return;
      observer.disconnect();
      requestAnimationFrame(() => channel.port2.postMessage(null));
    });
    observer.observe(document, { childList: true, subtree: true });
  });
}"""


@dataclass
class Place:
    """A server with its queue and the people of the benchmark."""

    subject: Subject
    queue: str
    people: list[Visitor]
    admin: Visitor

    @property
    def start(self) -> str:
        return f"/queues/{self.queue}/annotate/"

    @property
    def form(self) -> dict[str, str]:
        return {f"value-{label}": POSTED[of_type] for label, of_type in self.subject.labels[:LABELS]}


def pages(
    bench: Bench, postgres: Postgres, subjects: list[tuple[Subject, int]], clients: list[int], rounds: int
) -> None:
    """Measure each queue with each number of clients in each round; round 0 only warms up."""
    places = [make_place(postgres, subject, count) for subject, count in subjects]
    for turn in range(rounds + 1):
        for place in places:
            # Without a pause, the people together saturate the server.
            loads = [Load(many, bench.seconds) for many in dict.fromkeys((*clients, PEOPLE))]
            paced = [Load(PEOPLE, bench.seconds * (length if turn else 1), pace) for pace, length in PACES]
            for load in (*loads, *paced):
                with undone(postgres, place):
                    work(bench, place, load, keep=turn > 0)
            read(bench, place, keep=turn > 0)
            if CHROMIUM:
                # The thread of a test may run a loop of Playwright already.
                with undone(postgres, place), ThreadPoolExecutor(1) as pool:
                    pool.submit(press, bench, place, CHROMIUM, keep=turn > 0).result()


def make_place(postgres: Postgres, subject: Subject, count: int) -> Place:
    """Make a queue of labels of all types and log everybody in."""
    queue = make_queue(postgres, subject, count, people=PEOPLE, labels=LABELS)
    with postgres.connect(subject.database) as connection:
        for statement in STEPS:
            connection.execute(statement.encode(), {"queue": queue, "admin": ADMIN} if "%(" in statement else None)
    people = [Visitor(f"worker{number}@example.com", subject.port) for number in range(PEOPLE)]
    admin = Visitor(ADMIN, subject.port)
    for visitor in (*people, admin):
        visitor.log_in()
    return Place(subject, queue, people, admin)


@dataclass(frozen=True, slots=True)
class Load:
    """Clients that work for some seconds.

    With a pace, each begins an item after so many seconds on average, however long the answers take.
    """

    clients: int
    seconds: float
    pace: float = 0


@contextmanager
def undone(postgres: Postgres, place: Place) -> Iterator[None]:
    """Make the items of a round pending again after it."""
    with postgres.connect(place.subject.database) as connection:
        [began] = connection.execute("SELECT clock_timestamp()").fetchone() or [None]
        yield
        for statement in RESET:
            connection.execute(statement.encode(), {"queue": place.queue, "began": began})


def work(bench: Bench, place: Place, load: Load, *, keep: bool) -> None:
    """Let the people submit items in turns, each client those of its part of them."""
    before: list[float] = []
    together = Barrier(load.clients, lambda: before.append(place.subject.cpu()), TIMEOUT)
    logged, parts = place.subject.log.stat().st_size, [place.people[at :: load.clients] for at in range(load.clients)]
    with ThreadPoolExecutor(load.clients) as pool:
        found = list(pool.map(lambda people: annotate(place, people, load, together), parts))
    if not keep:
        return
    cpu = 1000 * (place.subject.cpu() - before[0])
    turns = [answers for one in found for answers in one]
    of_server = place.subject.logged(logged)
    rate = len(turns) / (load.seconds if load.pace else max(sum(map(seconds_of, one)) for one in found))
    kinds = {
        "submit": [answers[:1] for answers in turns],
        "next page": [answers[1:] for answers in turns],
        "submit and next": turns,
    }
    for kind, of_kind in kinds.items():
        name = f"{kind}, {load.pace:g} s per item" if load.pace else kind
        whole = [seconds_of(answers) for answers in of_kind]
        served = [sum(of_server[answer.request_id] for answer in answers) for answers in of_kind]
        bench.add(Cell(place.subject.name, name, 0, load.clients), whole, rate, cpu)
        bench.add(Cell(place.subject.name, f"{name}: server", 0, load.clients), served, rate, cpu)


def seconds_of(answers: Sequence[Answer]) -> float:
    return sum(answer.seconds for answer in answers)


def annotate(place: Place, people: list[Visitor], load: Load, together: Barrier) -> list[list[Answer]]:
    """Submit items of some people, one after the other. Return the answers per item."""
    turns: list[list[Answer]] = []
    with connected(place.subject.port) as connection:
        for visitor in people:
            visitor.open(connection, place.start)
        together.wait()
        began = time.perf_counter()
        due = began + random.uniform(0, load.pace)
        for visitor in cycle(people):
            time.sleep(max(0.0, due - time.perf_counter()))
            due += random.uniform(0.5 * load.pace, 1.5 * load.pace)
            before = visitor.path
            submitted = visitor.post(connection, {**place.form, "action": "submit"})
            turns.append([submitted, *visitor.open(connection, submitted.location)])
            assert visitor.path not in {before, place.start}, visitor.text
            if len(turns) == WORK // load.clients or max(due, time.perf_counter()) > began + load.seconds:
                return turns
    raise AssertionError("nobody annotates")


def read(bench: Bench, place: Place, *, keep: bool) -> None:
    """Read pages of an annotator and of an admin again and again."""
    queue, annotator = f"/queues/{place.queue}/", place.people[0]
    kinds = {
        "my work": (annotator, "/"),
        "queues": (place.admin, "/queues/"),
        "queue": (place.admin, queue),
        "items": (place.admin, f"{queue}items/"),
        "review list": (place.admin, f"{queue}review/"),
        "results": (place.admin, f"{queue}results/"),
    }
    with connected(place.subject.port) as connection:
        for kind, (visitor, path) in kinds.items():
            before, began, taken = place.subject.cpu(), time.perf_counter(), list[float]()
            while not taken or time.perf_counter() - began < bench.seconds / 2:
                taken.append(seconds_of(visitor.open(connection, path)))
            add(bench, place, kind, taken, before, keep=keep)


def press(bench: Bench, place: Place, executable: str, *, keep: bool) -> None:
    """Submit items by Ctrl+Enter in a real browser; measure until the next one is drawn."""
    visitor, sandbox = place.people[0], ["--no-sandbox"] if os.geteuid() == 0 else []
    address = f"http://127.0.0.1:{place.subject.port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=sandbox)
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": "sessionid", "value": visitor.cookies["sessionid"], "url": address}])
        page = context.new_page()
        page.goto(address + place.start)
        page.evaluate(SHOWN)
        before, taken = place.subject.cpu(), []
        for _ in range(DRAWN):
            page.evaluate(FILL, place.form)
            page.evaluate(WATCH)
            page.keyboard.press("Control+Enter")
            taken.append(page.evaluate("drawn") / 1000)
        browser.close()
    add(bench, place, "key to drawn", taken, before, keep=keep)


def add(bench: Bench, place: Place, kind: str, taken: list[float], cpu_before: float, *, keep: bool) -> None:
    """Add a round of one client."""
    if keep:
        cpu = 1000 * (place.subject.cpu() - cpu_before)
        bench.add(Cell(place.subject.name, kind, 0, 1), taken, len(taken) / sum(taken), cpu)
