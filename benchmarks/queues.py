"""Work in queues of different sizes: the next item, its scores, counts and lists, in turns."""

import json
import socket
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from benchmarks.bodies import API_KEY, request
from benchmarks.clients import TIMEOUT, exchange
from benchmarks.fill import NEW_ID
from benchmarks.measure import Bench, Cell
from benchmarks.servers import Subject
from tests.postgres import Postgres

PEOPLE, LABELS = 10, 2
# Items that a client completes in a round.
WORK = 50
# Of each ten items, four are completed by two scores of one person. The keys of annotators are named by their emails.
STEPS = (
    """
INSERT INTO modelhub_user
    (id, created_at, email, name, organization_id, role, is_active, is_staff, is_superuser, password)
SELECT gen_random_uuid(), now(), 'worker' || n || '@example.com', 'Worker ' || n, %(organization)s::uuid, 'member',
       true, false, false, '!'
FROM generate_series(0, %(people)s::int - 1) AS n
""",
    """
INSERT INTO modelhub_apikey (id, created_at, organization_id, user_id, name, api_key, secret_digest, scopes)
SELECT gen_random_uuid(), now(), person.organization_id, person.id, 'Benchmark', email, secret_digest,
       ARRAY['read', 'annotate']
FROM modelhub_user AS person, modelhub_apikey AS own
WHERE email LIKE 'worker%%@example.com' AND own.api_key = %(api_key)s
""",
    """
INSERT INTO modelhub_queuemember (id, created_at, organization_id, queue_id, user_id, roles)
SELECT gen_random_uuid(), now(), organization_id, %(queue)s::uuid, id, ARRAY['annotator']
FROM modelhub_user WHERE email LIKE 'worker%%@example.com'
""",
    f"""
INSERT INTO modelhub_source
    (id, organization_id, source_type, source_id, source_key, name, metadata, created_at, updated_at)
SELECT {NEW_ID}, %(organization)s::uuid, 'trace', 'work-' || n, 'work-' || n, '', '{{}}', moment, moment
FROM generate_series(1, %(count)s::int) AS n,
     LATERAL (SELECT now() - interval '30 days' * (1 - n / %(count)s::float)) AS clock (moment)
""",
    f"""
INSERT INTO modelhub_item (id, organization_id, queue_id, source_id, "order", priority, status, review_status,
                           review_notes, gold, expected, is_assigned, completed_at, created_at, updated_at)
SELECT {NEW_ID}, %(organization)s::uuid, %(queue)s::uuid, source.id, n, 0,
       CASE WHEN n %% 10 < 4 THEN 'completed' ELSE 'pending' END, '', '', false, '{{}}', false,
       CASE WHEN n %% 10 < 4 THEN moment END, moment, moment
FROM generate_series(1, %(count)s::int) AS n
JOIN LATERAL (SELECT now() - interval '30 days' * (1 - n / %(count)s::float)) AS clock (moment) ON true
JOIN modelhub_source AS source ON source.source_key = 'work-' || n AND organization_id = %(organization)s::uuid
ORDER BY n
""",
    """
INSERT INTO modelhub_slot (id, created_at, organization_id, queue_id, item_id, user_id, state, seat, skip_reason,
                           notes, ended_at, updated_at)
SELECT gen_random_uuid(), item.created_at, organization_id, queue_id, item.id, person.id, 'completed', 1, '', '',
       item.completed_at, item.completed_at
FROM modelhub_item AS item
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM modelhub_user
      WHERE email LIKE 'worker%%@example.com') AS person ON person.place = item."order" / 10 %% %(people)s::int
WHERE item.queue_id = %(queue)s::uuid AND item.status = 'completed' AND organization_id = %(organization)s::uuid
""",
    f"""
INSERT INTO modelhub_score (id, organization_id, source_id, label_id, annotator_id, queue_item, queue_id, value,
                            score_source, notes, created_at, updated_at)
SELECT {NEW_ID}, slot.organization_id, item.source_id, label.label_id, slot.user_id, item.id, item.queue_id,
       CASE of_type.type WHEN 'star' THEN '{{"rating": 4}}' WHEN 'text' THEN '{{"text": "Right."}}'
            WHEN 'numeric' THEN '{{"value": 7}}' WHEN 'thumbs_up_down' THEN '{{"value": "up"}}'
            ELSE '{{"selected": ["positive"]}}' END::jsonb,
       'human', '', moment, moment
FROM modelhub_slot AS slot
JOIN modelhub_item AS item ON item.id = slot.item_id
JOIN LATERAL (SELECT item.completed_at) AS clock (moment) ON true
JOIN modelhub_queuelabel AS label ON label.queue_id = slot.queue_id
JOIN modelhub_label AS of_type ON of_type.id = label.label_id
WHERE slot.queue_id = %(queue)s::uuid AND slot.organization_id = %(organization)s::uuid
""",
)
# The items of a round are pending again.
RESET = (
    "DELETE FROM modelhub_score WHERE created_at > %(began)s AND queue_id = %(queue)s::uuid",
    "DELETE FROM modelhub_slot WHERE created_at > %(began)s AND queue_id = %(queue)s::uuid",
    """
UPDATE modelhub_item SET status = 'pending', completed_at = NULL
WHERE queue_id = %(queue)s::uuid AND status <> 'pending' AND "order" %% 10 >= 4
""",
    "VACUUM ANALYZE modelhub_item, modelhub_slot, modelhub_score",
)


def queues(
    bench: Bench, postgres: Postgres, subjects: list[tuple[Subject, int]], clients: list[int], rounds: int
) -> None:
    """Measure each queue with each number of clients in each round; round 0 only warms up."""
    made = {subject.name: make_queue(postgres, subject, count) for subject, count in subjects}
    for turn in range(rounds + 1):
        for subject, _ in subjects:
            queue = made[subject.name]
            for many in clients:
                work(bench, postgres, subject, queue, many, keep=turn > 0)
                for kind, path in reads(subject, queue).items():
                    bench.read(subject, kind, path, clients=many, keep=turn > 0)


def make_queue(postgres: Postgres, subject: Subject, count: int, *, people: int = PEOPLE, labels: int = LABELS) -> str:
    """Make an active queue with so many items, annotators and labels, and return its id."""
    label_ids = [label for label, _ in subject.labels[:labels]]
    settings = {"name": "Benchmark", "status": "active", "label_ids": label_ids}
    queue = subject.call("POST", "annotation-queues/", settings)
    for label in label_ids:
        subject.call("POST", f"annotation-queues/{queue['id']}/add-label/", {"label_id": label, "required": True})
    values = {
        "organization": queue["organization"],
        "queue": queue["id"],
        "count": count,
        "people": people,
        "api_key": API_KEY,
    }
    began = time.perf_counter()
    with postgres.connect(subject.database) as connection:
        for statement in STEPS:
            connection.execute(statement.encode(), values)
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    print(f"queue of {count:,} items made in {time.perf_counter() - began:.0f} s", flush=True)
    return str(queue["id"])


def reads(subject: Subject, queue: str) -> dict[str, str]:
    """Return a path per kind of read."""
    path = f"annotation-queues/{queue}/"
    count = subject.call("GET", f"{path}items/?page_size=50")["count"]
    return {
        "queue": path,
        "progress": f"{path}progress/",
        "analytics": f"{path}analytics/",
        "first page": f"{path}items/?page_size=50",
        "deep page": f"{path}items/?page_size=50&page={max(1, count // 50)}",
        "pending, deep": f"{path}items/?page_size=50&status=pending&page={max(1, count * 6 // 10 // 50)}",
    }


def work(bench: Bench, postgres: Postgres, subject: Subject, queue: str, clients: int, *, keep: bool) -> None:
    """Let annotators take, judge and complete items, and make the items pending again."""
    with postgres.connect(subject.database) as connection:
        [began] = connection.execute("SELECT clock_timestamp()").fetchone() or [None]
        before, together = subject.cpu(), Barrier(clients, timeout=TIMEOUT)
        with ThreadPoolExecutor(clients) as pool:
            found = list(
                pool.map(lambda person: annotate(subject, queue, person, bench.seconds, together), range(clients))
            )
        cpu = 1000 * (subject.cpu() - before)
        for statement in RESET:
            connection.execute(statement.encode(), {"queue": queue, "began": began})
    for kind in found[0] if keep else ():
        taken = [seconds for one in found for seconds in one[kind]]
        whole = max(sum(one["next-item"]) + sum(one["submit + complete"]) for one in found)
        bench.add(Cell(subject.name, kind, 0, clients), taken, len(taken) / whole, cpu)


def annotate(subject: Subject, queue: str, person: int, seconds: float, together: Barrier) -> dict[str, list[float]]:
    """Work on items as one annotator; return the seconds of each request by kind."""
    path, key = f"/model-hub/annotation-queues/{queue}/items/", f"worker{person}@example.com"
    star, option = (label for label, _ in subject.labels[:LABELS])
    entries = [{"label_id": star, "value": {"rating": 3}}, {"label_id": option, "value": {"selected": ["neutral"]}}]
    body = json.dumps({"annotations": entries}).encode()
    times: dict[str, list[float]] = defaultdict(list)
    with socket.create_connection(("127.0.0.1", subject.port), timeout=TIMEOUT) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def send(method: str, rest: str, content: bytes = b"") -> tuple[Any, float]:
            sent = request(method, path + rest, content, api_key=key)
            began = time.perf_counter()
            head, _, answer = exchange(connection, sent).partition(b"\r\n\r\n")
            taken = time.perf_counter() - began
            assert head.startswith(b"HTTP/1.1 200 "), (head, answer)
            return json.loads(answer), taken

        together.wait()
        end = time.perf_counter() + seconds
        while len(times["next-item"]) < WORK and (time.perf_counter() < end or not times):
            answer, to_reserve = send("GET", "next-item/")
            item = answer["item"]["id"]
            _, to_submit = send("POST", f"{item}/annotations/submit/", body)
            completed, to_complete = send("POST", f"{item}/complete/")
            assert completed["missing_labels"] == []
            times["next-item"].append(to_reserve)
            times["submit"].append(to_submit)
            times["complete"].append(to_complete)
            times["submit + complete"].append(to_submit + to_complete)
    return times
