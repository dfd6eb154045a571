"""Attacks by many connections that send or read far too slowly."""

import contextlib
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.servers import Server


def connect(server: Server, *, receive_bytes: int = 0, timeout: float = 20) -> socket.socket:
    """Open a connection whose kernel buffers hardly more than `receive_bytes`."""
    client = socket.socket()
    if receive_bytes:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    client.settimeout(timeout)
    client.connect(("127.0.0.1", int(server.base_url.rsplit(":", 1)[1])))
    return client


def read_all(client: socket.socket) -> bytes:
    """Return everything that the server sends until it closes the connection."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        while part := client.recv(65536):
            answer += part
    return answer


@contextmanager
def attack(
    server: Server,
    count: int,
    *,
    first: bytes,
    then: Callable[[socket.socket], None] | None = None,
    every: float = 0.5,
    receive_bytes: int = 0,
) -> Iterator[None]:
    """Keep `count` connections that send `first` and repeat `then`; reopen ended ones."""
    ended = threading.Event()
    clients = [connect(server, receive_bytes=receive_bytes) for _ in range(count)]

    def renew(position: int) -> None:
        clients[position].close()
        clients[position] = connect(server, receive_bytes=receive_bytes)
        clients[position].sendall(first)

    def go_on() -> None:
        while not ended.wait(every):
            for position, client in enumerate(clients):
                try:
                    if then:
                        client.settimeout(0.01)
                        then(client)
                except TimeoutError:
                    continue
                except OSError:
                    with contextlib.suppress(OSError):
                        renew(position)

    for client in clients:
        client.sendall(first)
    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        for client in clients:
            client.close()


@dataclass
class Measured:
    """The seconds of honest requests by path, and the size of the largest worker."""

    seconds: dict[str, list[float]]
    megabytes: float = 0.0

    def most(self) -> float:
        """Return the 90th percentile of the slowest path."""
        return max(statistics.quantiles(times, n=10)[-1] for times in self.seconds.values())

    def slowest(self) -> float:
        return max(map(max, self.seconds.values()))

    def __str__(self) -> str:
        times = ", ".join(
            f"{path} {statistics.median(times) * 1000:.0f} ms, at most {max(times) * 1000:.0f}"
            for path, times in self.seconds.items()
        )
        return f"{times}; largest worker {self.megabytes:.0f} MB"


def measure(server: Server, *paths: str, seconds: float) -> Measured:
    """Request each path in turn, and watch the memory of the workers."""
    measured = Measured({path: [] for path in paths})
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(measured.seconds[paths[0]]) < 2:
        for path in paths:
            began = time.monotonic()
            assert server.request("GET", path).status_code == 200, path
            measured.seconds[path].append(time.monotonic() - began)
        measured.megabytes = max([measured.megabytes, *(one.memory_info().rss / 2**20 for one in server.workers())])
        time.sleep(0.05)
    return measured
