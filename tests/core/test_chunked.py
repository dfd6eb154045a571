"""Bodies in chunks, which come without a length, over real HTTP."""

from collections.abc import Iterator

from tests.servers import Server

BULK = "/model-hub/scores/bulk/"


def chunks(*parts: bytes) -> Iterator[bytes]:
    yield from parts


def post(server: Server, *parts: bytes) -> tuple[int, str]:
    headers = server.headers | {"Content-Type": "application/json"}
    answer = server.request("POST", BULK, data=chunks(*parts), headers=headers)
    return answer.status_code, answer.json().get("code", "")


def test_a_chunked_body_is_read_whole(live: Server) -> None:
    assert post(live, b'{"source_type": "trace", "source', b'_id": "nowhere", "scores": [1]}') == (
        404,
        "source_not_found",
    )


def test_one_that_is_empty_or_broken_is_a_400(live: Server) -> None:
    assert post(live) == (400, "invalid")
    assert post(live, b"{", b"[") == (400, "malformed_json")


def test_one_that_is_too_large_is_a_413(live: Server) -> None:
    assert post(live, *[b" " * 1_000_000] * 9) == (413, "request_too_large")


def test_an_unread_body_does_no_harm(live: Server) -> None:
    answer = live.request("GET", "/healthz", data=chunks(b"x" * 1000))
    assert answer.status_code == 200
