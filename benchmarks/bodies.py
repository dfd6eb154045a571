"""The same scores for every subject, as complete HTTP requests."""

import json
from collections.abc import Iterator, Sequence

API_KEY, SECRET_KEY = "benchmark", "benchmark-secret-key"
ADMIN, PASSWORD = "admin@example.com", "correct horse battery"
BULK = "/model-hub/scores/bulk/"
BYTES_PER_SCORE = 755  # of modelhub's answer, for the HTTP floor
OPTIONS = ["positive", "neutral", "negative"]
TEXTS = (
    "The answer is right, but it takes three paragraphs to say what one sentence could have said.",
    "Cites the wrong section of the manual; the steps themselves would work.",
    "As good as it gets: short, correct, polite, and it asks before it deletes anything.",
)
# Settings and legal values of each type. Neighbours differ, so that the next version of a score is another value.
TYPES: dict[str, tuple[dict[str, object], list[object]]] = {
    "star": ({"no_of_stars": 5}, [{"rating": rating} for rating in range(1, 6)]),
    "categorical": ({"options": OPTIONS}, [{"selected": [option]} for option in OPTIONS]),
    "text": ({"max_length": 5000}, [{"text": text} for text in TEXTS]),
    "numeric": ({"min": 0, "max": 10, "step_size": 0.5}, [{"value": half / 2} for half in range(21)]),
    "thumbs_up_down": ({}, [{"value": thumb} for thumb in ("up", "down")]),
}
VALUES = {kind: [json.dumps(value) for value in values] for kind, (_, values) in TYPES.items()}
# The version of the values that each kind of write sends: "same" repeats the update.
VERSIONS = {"insert": 0, "update": 1, "same": 1}


def new_labels(count: int) -> Iterator[dict[str, object]]:
    """Yield the bodies that create `count` labels, one of each type after the other."""
    for number in range(count):
        kind = list(TYPES)[number % len(TYPES)]
        yield {"name": f"Benchmark {kind} {number}", "type": kind, "settings": TYPES[kind][0]}


def write_request(source: str, labels: Sequence[tuple[str, str]], size: int, kind: str) -> bytes:
    """Return the request that stores `size` scores on a trace, each by another label of (id, type)."""
    turn = int(source[:8], 16) + VERSIONS[kind]
    entries = (
        f'{{"label_id":"{label}","value":{values[(turn + at) % len(values)]},"score_source":"human"}}'
        for at, (label, of_type) in enumerate(labels[:size])
        for values in [VALUES[of_type]]
    )
    body = f'{{"source_type":"trace","source_id":"{source}","notes":"Benchmark","scores":[{",".join(entries)}]}}'
    return request("POST", BULK, body.encode())


def request(method: str, path: str, body: bytes = b"", *, api_key: str = API_KEY) -> bytes:
    """Return a whole HTTP request."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"X-Api-Key: {api_key}\r\nX-Secret-Key: {SECRET_KEY}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
