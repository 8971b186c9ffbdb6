"""The SQLite file: who may read it, what is no such file, and what happens when it goes."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from flask_altdentifier.stores import SQLiteStore, errors

from ..servers.process import private_directory
from .processes import barrier, in_children, in_threads


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def open_files(path: Path) -> int:
    return [link.resolve() for link in Path("/proc/self/fd").iterdir()].count(path)


def test_file_is_created_at_first_use_for_its_owner_only(path: Path) -> None:
    store = SQLiteStore(path)
    assert not path.exists()
    store.set("key", "value", 60)
    files = [*path.parent.iterdir()]
    assert {file.name for file in files} == {path.name, f"{path.name}-wal", f"{path.name}-shm"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_directory_is_created_if_asked(tmp_path: Path) -> None:
    path = tmp_path / "instance" / "a file?#%20.sqlite3"
    with pytest.raises(errors.StoreDirectoryMissing):
        SQLiteStore(path).get("key")
    SQLiteStore(path, create_directory=True).set("key", "value", 60)
    assert SQLiteStore(path, create_directory=True).get("key") == "value"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_deleted_file_is_an_error_until_it_is_back(path: Path) -> None:
    store = SQLiteStore(path)
    store.set("key", "value", 60)
    path.rename(path.with_suffix(".moved"))
    for call in (store.get, store.pop, store.delete, store.clear):
        with pytest.raises(errors.StoreFileMissing):
            call("key")
    with pytest.raises(errors.StoreFileMissing):
        store.set("key", "value", 60)
    assert not path.exists()
    path.with_suffix(".moved").rename(path)
    assert store.get("key") == "value"


def test_replaced_file_is_an_error(path: Path) -> None:
    store = SQLiteStore(path)
    store.set("key", "value", 60)
    path.rename(path.with_suffix(".moved"))
    SQLiteStore(path).set("key", "of another", 60)
    with pytest.raises(errors.StoreFileReplaced):
        store.get("key")


@pytest.mark.parametrize(("mode", "is_refused"), [(0o1777, True), (0o777, False), (0o1775, False)])
@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
def test_file_that_another_user_made_first_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, suffix: str, *, is_refused: bool
) -> None:
    """In a directory such as `/tmp`. Only root can make such files, so their owner is made up."""
    path.parent.chmod(mode)
    planted, lstat = f"{path}{suffix}", os.lstat
    Path(planted).touch()
    foreign = os.stat_result((0o100666, 1, 1, 1, 4711, 4711, 0, 0, 0, 0))
    monkeypatch.setattr(os, "lstat", lambda file: foreign if file == planted else lstat(file))
    store = SQLiteStore(path)
    if not is_refused:
        store.set("key", "value", 60)
        return
    with pytest.raises(errors.StoreFileForeign):
        store.set("key", "value", 60)
    assert Path(planted).stat().st_size == 0


def test_shared_directory_without_foreign_files_is_fine(path: Path) -> None:
    path.parent.chmod(0o1777)
    store = SQLiteStore(path)
    store.set("key", "value", 60)
    assert store.get("key") == "value"


def test_file_that_is_no_database_is_not_touched(path: Path) -> None:
    path.write_text("the only copy of my thesis " * 100)
    with pytest.raises(errors.NotADatabase):
        SQLiteStore(path).set("key", "value", 60)
    assert path.read_text() == "the only copy of my thesis " * 100


def test_directory_is_no_database(path: Path) -> None:
    path.mkdir()
    with pytest.raises(errors.CannotOpenDatabase):
        SQLiteStore(path).get("key")


def test_newer_database_is_refused(path: Path) -> None:
    with database(path) as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(errors.NewerDatabaseVersion):
        SQLiteStore(path).get("key")


def test_other_errors_keep_their_class(path: Path) -> None:
    store = SQLiteStore(path)
    store.get("key")
    with database(path) as connection:
        connection.execute("DROP TABLE altdentifier_records")
    with pytest.raises(sqlite3.OperationalError):
        store.get("key")


def test_full_disk_is_an_error_and_heals(path: Path) -> None:
    store = SQLiteStore(path)
    store.set("before", "value", 60)
    connection = store._connections.acquire()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    store._connections.release(connection)
    with pytest.raises(errors.StoreFull):
        store.set("key", "value" * 10_000, 60)
    assert [store.get("before"), store.get("key")] == ["value", None]
    store.set("key", "value", 60)  # the connection that failed is closed


def test_file_that_cannot_be_written_is_an_error() -> None:
    with private_directory() as directory:
        path = directory / "store.sqlite3"
        SQLiteStore(path).set("key", "value", 60)
        directory.chmod(0o755)
        path.chmod(0o444)

        def work(_: int) -> None:
            if os.geteuid() == 0:  # who may write everything
                os.seteuid(65534)
            with pytest.raises(errors.StoreReadOnly):
                SQLiteStore(path).set("key", "another", 60)

        in_children(1, work)


def test_writer_that_does_not_end_is_an_error_within_a_second(path: Path) -> None:
    store = SQLiteStore(path)
    store.set("key", "value", 60)
    with database(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(3):  # a busy machine may be late once
            started = time.monotonic()
            with pytest.raises(errors.StoreBusy):
                store.set("key", "another", 60)
            seconds = time.monotonic() - started
            assert seconds > 0.3
            if seconds < 1:
                break
        assert seconds < 1
        assert store.get("key") == "value"
    assert store.pop("key") == "value"


def test_locked_new_file_is_an_error_within_two_seconds(path: Path) -> None:
    with database(path) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        started = time.monotonic()
        with pytest.raises(errors.StoreBusy):
            SQLiteStore(path).set("key", "value", 60)
        assert time.monotonic() - started < 2


def test_processes_and_threads_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    start = barrier(4)

    def work(number: int) -> int:
        for turn in range(20):
            store = SQLiteStore(tmp_path / f"{turn}.sqlite3")
            start.wait(20)
            in_threads(2, lambda thread: store.set(f"{number} {thread}", "value", 60))  # noqa: B023
        return 0

    in_children(4, work)
    assert {SQLiteStore(tmp_path / f"{turn}.sqlite3").clear("") for turn in range(20)} == {8}


def test_threads_leave_few_connections_behind(path: Path) -> None:
    store = SQLiteStore(path)
    for number in range(50):
        thread = threading.Thread(target=store.set, args=(f"{number}", "value", 60))
        thread.start()
        thread.join()
    assert open_files(path) == 1
    del store
    assert open_files(path) == 0


def test_child_keeps_its_records_when_the_parent_closes_the_file(path: Path) -> None:
    """Without locks of its own, the child would lose them with the write-ahead log."""
    store = SQLiteStore(path)
    store.set("from the parent", "value", 60)
    written, closed = barrier(2), barrier(2)

    def work(_: int) -> None:
        store.set("before", "value", 60)
        written.wait(20)
        closed.wait(20)
        store.set("after", "value", 60)

    def close_in_parent() -> None:
        written.wait(20)
        store.get("key")
        store._connections.close()
        closed.wait(20)

    in_children(1, work, close_in_parent)
    assert [SQLiteStore(path).get(key) for key in ("before", "after")] == ["value", "value"]


def test_connection_in_use_during_a_fork_is_not_used_by_the_child(path: Path) -> None:
    store = SQLiteStore(path)
    store.set("key", "value", 60)
    connection = store._connections.acquire()

    def work(_: int) -> bool:
        assert store._connections.close()
        return store.get("key") == "value" and store._connections.acquire() is not connection

    assert in_children(1, work) == [True]
    store._connections.release(connection)
    assert store.get("key") == "value"


def test_each_set_deletes_a_few_expired_records(path: Path) -> None:
    store = SQLiteStore(path)
    for number in range(10):
        store.set(f"old:{number}", "value", 0.3)
    time.sleep(0.35)
    counts = []
    for number in range(6):
        store.set(f"new:{number}", "value", 60)
        with database(path) as connection:
            old = "SELECT count(*) FROM altdentifier_records WHERE key LIKE 'old:%'"
            counts.append(connection.execute(old).fetchone()[0])
    assert counts == [8, 6, 4, 2, 0, 0]
