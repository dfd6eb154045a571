"""Heads of requests, as far as they have come: whole, not yet, or never."""

import re
import select
import socket
from io import BytesIO
from typing import Any

from gunicorn.http.errors import InvalidRequestLine, LimitRequestHeaders, LimitRequestLine

# What is answered without the database.
WATCHED = (b"GET /healthz ", b"GET /metrics ")
# Where the head of a request ends, how much is looked at to find that, and how much of it may arrive in pieces.
HEAD_END = b"\r\n\r\n"
PEEKED = 4096
MAX_HEAD = 65536
# What no head has: control characters, and lines that end in LF alone. What its first line is, and which has a body.
NOT_HTTP = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|(?<!\r)\n")
REQUEST_LINE = re.compile(rb"[!-~]+ [!-~\x80-\xff]+ HTTP/[0-9]\.[0-9]")
HAS_BODY = re.compile(rb"\r\n(content-length|transfer-encoding)", re.IGNORECASE)


def read_head(conn: Any) -> bytes | None:
    """The next head, with what has arrived behind it, or `None` while more of it may come.

    What is there when the client has ended is answered, too, whole or not. Only pieces are taken from the socket, into
    the buffer of the parser. Raises `ParseException` for a piece that cannot become the head of a request.
    """
    conn.init()
    conn.sock.setblocking(False)
    buffer: BytesIO = conn.parser.unreader.buf
    while not _is_whole(head := buffer.getvalue()):
        arrived = receive(conn.sock, PEEKED, socket.MSG_PEEK)
        if arrived is None:
            return None
        seen = head + arrived
        if not arrived or _is_whole(seen):
            return seen
        check_piece(seen, max_line=conn.cfg.limit_request_line)
        buffer.seek(0, 2)
        buffer.write(receive(conn.sock, len(arrived)) or b"")
    return head


def _is_whole(head: bytes) -> bool:
    """One empty line may stand before a request (RFC 9112, 2.2). Raises `LimitRequestHeaders`."""
    end = head.removeprefix(b"\r\n").find(HEAD_END)
    # Where the end may still begin: some of it may be there.
    if (end if end >= 0 else len(head) - len(HEAD_END) + 1) > MAX_HEAD:
        raise LimitRequestHeaders("headers")
    return end >= 0


def check_piece(head: bytes, *, max_line: int) -> None:
    """Refuse at once what would be refused when it is whole: who sends it may wait for an answer before going on.

    Raises `LimitRequestLine`, or `InvalidRequestLine` for lines that end in LF alone, and for what is no request line.
    """
    line, ended, _ = head.removeprefix(b"\r\n").partition(b"\r\n")
    if len(line) > max_line:
        raise LimitRequestLine(len(line), max_line)
    if NOT_HTTP.search(head) or (ended and not REQUEST_LINE.fullmatch(line)):
        raise InvalidRequestLine("")


def is_watch(conn: Any, head: bytes) -> bool:
    """Whether somebody asks how the server is, and no more: nothing behind it, no body, and an answer can be sent."""
    if not head.startswith(WATCHED) or head.find(HEAD_END) != len(head) - len(HEAD_END) or HAS_BODY.search(head):
        return False
    poll = select.poll()
    poll.register(conn.sock, select.POLLOUT)
    return bool(poll.poll(0))


def receive(sock: socket.socket, size: int = PEEKED, flags: int = 0) -> bytes | None:
    """What has arrived: nothing yet is `None`, the end of the connection is empty."""
    try:
        data: bytes = sock.recv(size, flags)
    except BlockingIOError:
        return None
    except OSError:
        return b""
    return data
