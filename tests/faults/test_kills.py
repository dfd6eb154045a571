"""kill -9 under load, of workers and of PostgreSQL: no acknowledged write is lost.

`make faults` repeats it: FAULT_KILLS is the number of kills, FAULT_SEED selects them.
"""

import os
import random
import signal
import time
from pathlib import Path

import psutil

from tests.faults.ledger import clients
from tests.repeats import faults
from tests.servers import EMBEDDED, Server, running_server

KILLS = faults(3)


def kill(chosen: str, server: Server, data_dir: Path) -> None:
    if chosen == "postgres":
        os.kill(int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
        return
    victims = psutil.Process(server.process.pid).children()
    for victim in victims if chosen == "all workers" else random.sample(victims, 1):
        victim.kill()


def test_nothing_acknowledged_is_lost(folder: Path) -> None:
    settings = {"MODELHUB_AUTO_CREATE_SOURCES": "true", "MODELHUB_LOG_LEVEL": "ERROR"}
    with running_server(folder, **settings, **EMBEDDED) as server:
        with clients(server) as load:
            for number in range(KILLS):
                time.sleep(random.uniform(0.2, 1.0))
                kill(("worker", "all workers", "postgres")[number % 3], server, folder)
                load.wait_until_it_writes()
        load.tell("kills", KILLS)
