"""Prepared clusters: the key that they depend on, whole files, the number that stays."""

import os
import pwd
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.apps import apps

from config.embedded_postgres import prepared

OPTIONS = ("--auth=trust", "--username=postgres")


@pytest.fixture(autouse=True)
def cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    return folder / "cache" / "modelhub" / "clusters"


@pytest.fixture
def cluster(folder: Path) -> Path:
    """Return a folder like a cluster: an empty folder in it, and a log of its own start."""
    made = folder / "cluster"
    (made / "base" / "1").mkdir(parents=True)
    (made / "pg_notify").mkdir()
    (made / "base" / "1" / "1259").write_bytes(bytes(range(256)) * 32)
    (made / "PG_VERSION").write_text("18\n")
    (made / "server.log").write_text("of the first start")
    return made


def content(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def test_a_copy_has_all_files_but_the_log(folder: Path, cluster: Path) -> None:
    assert prepared.is_missing(OPTIONS)
    assert not prepared.fetch(folder / "copy", OPTIONS)
    prepared.store(cluster, OPTIONS)
    assert not prepared.is_missing(OPTIONS)
    assert prepared.fetch(folder / "copy", OPTIONS)
    (cluster / "server.log").unlink()
    assert content(folder / "copy") == content(cluster)
    assert (folder / "copy").stat().st_mode & 0o777 == 0o700


def test_the_first_of_two_copies_stays(folder: Path, cluster: Path, cache: Path) -> None:
    prepared.store(cluster, OPTIONS)
    [first] = cache.iterdir()
    before = first.stat().st_ino
    (cluster / "base" / "1" / "1259").write_bytes(b"")
    prepared.store(cluster, OPTIONS)
    assert [path.stat().st_ino for path in cache.iterdir()] == [before]


@pytest.mark.parametrize("position", [0, 31, 32, 100, -1])
def test_one_wrong_byte_is_found_and_the_file_removed(folder: Path, cluster: Path, cache: Path, position: int) -> None:
    prepared.store(cluster, OPTIONS)
    [file] = cache.iterdir()
    damaged = bytearray(file.read_bytes())
    damaged[position] ^= 1
    file.write_bytes(damaged)
    assert not prepared.fetch(folder / "copy", OPTIONS)
    assert not (folder / "copy").exists()
    assert prepared.is_missing(OPTIONS)


def test_other_options_migrations_and_statements_need_another_cluster(
    folder: Path, cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("migrations", "scores/sql"):
        (folder / "app" / name).mkdir(parents=True)
    app = SimpleNamespace(name="app", path=str(folder / "app"))
    monkeypatch.setattr(apps, "get_app_configs", lambda: [app])

    def store_and_change(file: Path, text: str) -> None:
        prepared.store(cluster, OPTIONS)
        assert not prepared.is_missing(OPTIONS)
        file.write_text(text)
        assert prepared.is_missing(OPTIONS)

    migration = folder / "app" / "migrations" / "0001_initial.py"
    store_and_change(migration, "operations = []")
    store_and_change(migration, "operations = [1]")
    store_and_change(folder / "app" / "scores" / "sql" / "store_v1.sql", "SELECT 1")
    prepared.store(cluster, OPTIONS)
    monkeypatch.setattr(prepared, "version", lambda name: "another")
    assert prepared.is_missing(OPTIONS)
    assert prepared.is_missing((*OPTIONS, "--wal-segsize=2"))


def test_the_clusters_used_last_stay(folder: Path, cluster: Path, cache: Path) -> None:
    """Of the drafts of other starts, those of killed ones go."""
    cache.mkdir(parents=True)
    (cache / "draft-new").touch()
    (cache / "draft-old").touch()
    os.utime(cache / "draft-old", (0, 0))
    for number in range(prepared.KEPT):
        prepared.store(cluster, (*OPTIONS, str(number)))
    for path in cache.iterdir():
        if not path.name.startswith("draft-"):
            os.utime(path, (1, 1))
    assert prepared.fetch(folder / "used", (*OPTIONS, "0"))
    prepared.store(cluster, (*OPTIONS, "another"))
    assert len(list(cache.iterdir())) == prepared.KEPT + 1
    assert (cache / "draft-new").exists()
    assert not (cache / "draft-old").exists()
    assert not prepared.is_missing((*OPTIONS, "0"))
    assert not prepared.is_missing((*OPTIONS, "another"))


def test_without_a_home_folder_there_is_no_cluster(
    folder: Path, cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", find_nobody)
    assert not prepared.is_missing(OPTIONS)
    assert not prepared.fetch(folder / "copy", OPTIONS)
    prepared.store(cluster, OPTIONS)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_the_cache_of_another_user_is_left_alone(cluster: Path, cache: Path) -> None:
    """A shell that root took over from a user may keep its HOME."""
    cache.mkdir(parents=True)
    os.chown(cache, 65534, 65534)
    assert not prepared.is_missing(OPTIONS)
    prepared.store(cluster, OPTIONS)
    assert list(cache.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_makes_no_cache_in_the_home_of_another_user(cluster: Path, cache: Path) -> None:
    """That user could not write to it."""
    home = cache.parent.parent
    home.mkdir()
    os.chown(home, 65534, 65534)
    assert not prepared.is_missing(OPTIONS)
    prepared.store(cluster, OPTIONS)
    assert list(home.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_cluster_of_another_user_is_not_used(folder: Path, cluster: Path, cache: Path) -> None:
    """It may have functions that run as the user of the server."""
    prepared.store(cluster, OPTIONS)
    [file] = cache.iterdir()
    os.chown(file, 65534, 65534)
    assert not prepared.fetch(folder / "copy", OPTIONS)
    assert prepared.is_missing(OPTIONS)


def test_only_its_user_can_write_to_the_cache(cluster: Path, cache: Path) -> None:
    before = os.umask(0)
    try:
        prepared.store(cluster, OPTIONS)
    finally:
        os.umask(before)
    assert cache.stat().st_mode & 0o777 == 0o700
