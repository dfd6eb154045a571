"""Wrong lengths and malformed heads are rejected: nothing stored or smuggled."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.faults.raw import KEYS, connection, exchange, head
from tests.servers import Server, data_folder, running_server

SOURCES = "/model-hub/sources/"
BODY = json.dumps({"source_type": "trace", "source_id": "smuggled"}).encode()
HIDDEN = head(SOURCES, f"Content-Length: {len(BODY)}") + BODY
LENGTH = f"Content-Length: {len(BODY)}"
WORKERS = 2
CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Yield a server whose workers survive the tests without an error in the log."""
    with (
        data_folder() as folder,
        running_server(folder, MODELHUB_CLIENT_TIMEOUT="2", MODELHUB_WORKERS=str(WORKERS)) as server,
    ):
        while len(before := server.workers()) < WORKERS:
            time.sleep(0.05)
        yield server
        assert server.workers() == before, "".join(server.log[-20:])
    assert not [line for line in server.log if "unforeseen" in line or "Traceback" in line or '"status": 500' in line]


def count(server: Server) -> int:
    """Return the number of sources; each request below would add or change one."""
    return int(server.request("GET", SOURCES).json()["count"])


def post(*lines: str, body: bytes = BODY, **options: str) -> bytes:
    return head(SOURCES, *lines, **options) + body


def chunk(body: bytes = BODY) -> bytes:
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


LIES = {
    "a length that is too short": post("Content-Length: 5"),
    "one that is too long": post("Content-Length: 500"),
    "a negative one": post("Content-Length: -1"),
    "one with a sign": post(f"Content-Length: +{len(BODY)}"),
    "one in hexadecimal": post("Content-Length: 0x10"),
    "one in digits of another script": post("Content-Length: \xb2\xb3"),
    "two that agree, in one line": post(f"Content-Length: {len(BODY)}, {len(BODY)}"),
    "one of five thousand": post("Content-Length: " + "9" * 5000),
    "two that agree": post(LENGTH, LENGTH),
    "two that differ": post("Content-Length: 5", LENGTH),
    "two that differ, the other way round": post(LENGTH, "Content-Length: 5"),
    "one of a thousand digits": post("Content-Length: " + "9" * 1000),
    "a length and chunks": post(LENGTH, CHUNKED, body=b"0\r\n\r\n" + HIDDEN),
    "chunks and a length": post(CHUNKED, LENGTH, body=b"0\r\n\r\n" + HIDDEN),
    "chunks twice": post(CHUNKED, CHUNKED, body=chunk() + b"0\r\n\r\n"),
    "chunks in a spelling of another server": post("Transfer-Encoding: xchunked", body=chunk() + b"0\r\n\r\n"),
    "chunks with a tab": post("Transfer-Encoding:\tchunked\x0b", body=chunk() + b"0\r\n\r\n"),
    "chunks behind a space": post("Transfer-Encoding : chunked", LENGTH, body=chunk() + b"0\r\n\r\n"),
    "compressed chunks": post("Transfer-Encoding: gzip, chunked", body=chunk() + b"0\r\n\r\n"),
    "no chunks but identity": post("Transfer-Encoding: identity", LENGTH),
    "chunks in HTTP/1.0": post(CHUNKED, body=chunk() + b"0\r\n\r\n", version="1.0"),
    "a size that is none": post(CHUNKED, body=b"zz\r\n" + BODY),
    "a size below nothing": post(CHUNKED, body=b"-5\r\n" + BODY),
    "a size with a prefix": post(CHUNKED, body=b"0x5\r\n" + BODY),
    "a size beyond 64 bits": post(CHUNKED, body=b"fffffffffffffffff\r\n" + BODY),
    "no size": post(CHUNKED, body=b"\r\n" + BODY),
    "a size without an end": post(CHUNKED, body=b"0" * 20_000),
    "an extension without an end": post(CHUNKED, body=b"5;" + b"x" * 20_000),
    "a size that is too small": post(CHUNKED, body=b"5\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "lines that end in LF": post(CHUNKED, body=chunk().replace(b"\r\n", b"\n") + b"0\n\n"),
    "an extension that is none": post(CHUNKED, body=chunk().replace(b"\r\n", b";\x00\r\n", 1) + b"0\r\n\r\n"),
    "no last chunk": post(CHUNKED, body=chunk()),
    "half a chunk": post(CHUNKED, body=chunk()[:20]),
    "a last chunk without an end": post(CHUNKED, body=chunk() + b"0\r\n"),
    "a flood of trailers": post(CHUNKED, body=chunk() + b"0\r\n" + b"X-A: b\r\n" * 5000 + b"\r\n"),
}
HEADS = {
    "a flood of headers": post(LENGTH, *[f"X-{n}: y" for n in range(5000)]),
    "a header of a megabyte": post(LENGTH, "X-Long: " + "y" * 1_000_000),
    "a path of a megabyte": head(SOURCES + "x" * 1_000_000, LENGTH) + BODY,
    "a header with a NUL": post(LENGTH, "X-Odd: \x00"),
    "a header without a name": post(LENGTH, ": b"),
    "a header that is none": post(LENGTH, "nonsense"),
    "two hosts": post(LENGTH, "Host: y"),
    "two types": post(LENGTH, "Content-Type: text/plain"),
    "a method in small letters": post(LENGTH, method="post"),
    "a method that is none": post(LENGTH, method="P@ST"),
    "a tunnel": f"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n{KEYS}\r\n".encode() + HIDDEN,
    "a version that is none": post(LENGTH, version="9.9"),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2,
    "no HTTP": b"\x00" * 70_000,
    "nothing but line ends": b"\r\n" * 10,
}


@pytest.mark.parametrize("name", [*LIES, *HEADS])
def test_it_is_refused_and_nothing_is_stored(server: Server, name: str) -> None:
    """At most one answer each to the request and to the bytes behind it, then the end."""
    before = count(server)
    found = exchange(server, (LIES | HEADS)[name])
    assert len(found) <= 2, found
    for answer in found:
        assert 400 <= answer.status < 500 or answer.status == 501, found
        assert answer.problem["code"]
    assert count(server) == before


def test_the_answer_to_head_has_no_body_also_where_it_would_be_chunked(server: Server) -> None:
    with connection(server) as client:
        client.sendall(head("/model-hub/scores/export/", "Connection: close", method="HEAD"))
        received = b"".join(iter(lambda: client.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.endswith(b"\r\n\r\n")
    assert received.count(b"\r\n\r\n") == 1


def test_odd_but_legal_requests_are_read(server: Server) -> None:
    """Control: a server that rejects everything would pass the tests above."""
    where, body = "/model-hub/scores/bulk/", b'{"source_type": "trace", "source_id": "none", "scores": [1]}'
    halves = chunk(body[:20]) + chunk(body[20:])
    for request in (
        head(where, f"Content-Length: {len(body)}") + body,
        head(where, f"Content-Length: {len(body)}", "Content-Encoding: identity") + body,
        head(where, f"content-length:{len(body)}", "Expect: 100-continue") + body,
        head(where, CHUNKED) + halves + b"0\r\n\r\n",
        head(where, "Transfer-Encoding: Chunked") + halves + b"000\r\nX-Checksum: 5\r\n\r\n",
        head(where, CHUNKED) + halves.replace(b"\r\n", b';name="va\\"lue";other\r\n', 1) + b"0;x\r\n\r\n",
        head(where, f"Content-Length: {len(body)}", "X-Odd: a", " b", "Expect: miracles") + body,
        # Trailers are not read, so that they cannot change anything.
        head(where, CHUNKED) + halves + b"0\r\nContent-Length: 5\r\n\r\n",
        head(where, CHUNKED) + halves + b"0\r\nnonsense\r\nX: \x00\r\n\r\n",
    ):
        *_, answer = exchange(server, request)
        assert (answer.status, answer.problem["code"]) == (404, "source_not_found")


def test_a_refusal_by_the_application_leaves_the_connection_usable(server: Server) -> None:
    """Chunks and trailers are read to their end, where the next request begins."""
    wrong = head(SOURCES, CHUNKED) + chunk(b"{") + b"0\r\nX: y\r\n\r\n"
    with connection(server) as client:
        client.sendall(wrong * 3)
        found = [client.recv(65536)]
        while sum(part.count(b"HTTP/1.1 400") for part in found) < 3:
            found.append(client.recv(65536))
            assert found[-1]
