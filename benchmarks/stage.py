"""What the programs share: a server, its world, and clients that know both."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.clients import Clients, Setting
from benchmarks.machine import describe_machine
from benchmarks.processes import postgres_pid
from benchmarks.servers import Server, serving
from benchmarks.world import World, make_world


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs."""

    server: Server
    world: World
    clients: Clients
    # Process ids by subject, and the embedded database's as "postgres".
    pids: dict[str, int]


@contextmanager
def staged(data_dir: Path, clients: int, *, others: bool = False, tell: bool = True) -> Iterator[Stage]:
    """A server on this folder, and clients; with `others`, the subjects that it is compared with, too."""
    with serving(data_dir) as server:
        world = make_world(data_dir)
        ports, pids = {"modelhub": server.port}, {"modelhub": server.process.pid}
        if postgres := postgres_pid(data_dir):
            pids["postgres"] = postgres
        if tell:
            print(describe_machine(data_dir, world), flush=True)
        if not others:
            with working(world, ports, clients) as team:
                yield Stage(server, world, team, pids)
            return
        with serving(data_dir, settings="benchmarks.settings") as other:
            for subject in ("textbook", "bare", "floor"):
                ports[subject], pids[subject] = other.port, other.process.pid
            with working(world, ports, clients) as team:
                yield Stage(server, world, team, pids)


@contextmanager
def working(world: World, ports: dict[str, int], count: int) -> Iterator[Clients]:
    """Clients, ended afterwards."""
    setting = Setting(world.database, world.organization, world.annotator, world.labels, ports)
    clients = Clients(setting, count)
    try:
        yield clients
    finally:
        clients.close()
