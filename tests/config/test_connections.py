"""Pooled connections: checks, replacement of lost ones, and the age of plans."""

import copy
import os
import socket
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections

from config.database import TIMEOUTS
from config.postgres.base import DatabaseWrapper, check
from tests.databases import PGBOUNCER
from tests.postgres import Postgres

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(PGBOUNCER in os.environ, reason="PgBouncer lends another session per transaction"),
]

SIZE = 4


@pytest.fixture
def pooled() -> Iterator[DatabaseWrapper]:
    """The test database, through a pool that is full of connections."""
    settings = copy.deepcopy(connection.settings_dict)
    settings["OPTIONS"]["pool"] = {"min_size": SIZE, "max_size": SIZE, "timeout": 2}
    backend: Any = type(connections["default"])
    own: DatabaseWrapper = backend(settings, "pooled")
    own.pool.open(wait=True)
    try:
        yield own
    finally:
        own.close()
        own.close_pool()


def run(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def last_statement(pid: int) -> object:
    run("SELECT pg_stat_clear_snapshot()")
    [(query,)] = run(f"SELECT query FROM pg_stat_activity WHERE pid = {pid}")
    return query


def test_connections_that_postgresql_closed_are_all_replaced_at_once(pooled: DatabaseWrapper) -> None:
    [(cut,)] = run(
        "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert cut == SIZE
    for _ in range(SIZE):
        with pooled.cursor() as cursor:
            cursor.execute("SELECT 1")
        pooled.close()
    assert pooled.pool.get_stats()["connections_num"] == 2 * SIZE


def test_the_plans_of_a_connection_are_dropped_at_its_8th_16th_32nd_use(pooled: DatabaseWrapper) -> None:
    dropped = []
    with pooled.pool.connection() as one:
        for use in range(1, 40):
            one.execute("SELECT 1")
            assert check(one)
            if last_statement(one.info.backend_pid) == "DISCARD PLANS":
                dropped.append(use)
    assert dropped == [8, 16, 32]


def test_a_connection_is_asked_only_after_a_pause(pooled: DatabaseWrapper, monkeypatch: pytest.MonkeyPatch) -> None:
    with pooled.pool.connection() as one:
        asked = []
        for fresh_seconds in (1e9, 0.0):
            monkeypatch.setattr("config.postgres.base.FRESH_SECONDS", fresh_seconds)
            one.execute("SELECT 1")
            assert check(one)
            asked.append(last_statement(one.info.backend_pid) == "")
    assert asked == [False, True]


def test_a_connection_that_was_returned_inside_a_transaction_is_used_again(pooled: DatabaseWrapper) -> None:
    with pooled.pool.connection() as one:
        one.autocommit = False
        assert check(one)
        assert one.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_an_old_postgres_is_refused(pooled: DatabaseWrapper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.postgres.base.OLDEST_POSTGRES", 99)
    with pytest.raises(ImproperlyConfigured, match="PostgreSQL 99 or newer is needed, and the database is PostgreSQL"):
        pooled.check_database_version_supported()


def test_a_tcp_connection_ends_when_its_peer_is_gone(postgres: Postgres) -> None:
    """Check that libpq passes the timeouts to the kernel, which keeps them."""
    with (
        psycopg.connect(postgres.url("postgres"), **TIMEOUTS) as own,
        socket.socket(fileno=os.dup(own.fileno())) as tcp,
    ):
        assert tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
        assert tcp.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
