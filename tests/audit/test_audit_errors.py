"""What cannot be stored, opened or reached is told, with what mends it."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import pytest
from sqlalchemy import event

from trustlayer import Exchange, Finding, Outcome, Verifier, detector
from trustlayer.audit import AuditStore, databases, schema
from trustlayer.audit.databases import masked
from trustlayer.errors import (
    NotAStore,
    SchemaTooNew,
    SchemaTooOld,
    StoreError,
    StoreUnavailable,
)

Run = Callable[..., Outcome]


def _notes(error: BaseException) -> str:
    return "\n".join(error.__notes__)


def _lite(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.mark.parametrize("opened", [AuditStore.open, AuditStore.create, schema.upgrade])
@pytest.mark.parametrize(
    ("url", "message", "note"),
    [
        ("trustlayer.db", "not the URL of a database: 'trustlayer.db'", "sqlite:///trustlayer.db"),
        ("", "not the URL of a database", "sqlite:///trustlayer.db"),
        ("mysql://u:geheim@h/d", r"no audit store is kept in 'mysql' \(mysql://u:\*\*\*@h/d\)",
         "sqlite:///FILE or postgresql://"),
        ("sqlite+aiosqlite:///x.db", "no audit store is kept in 'sqlite\\+aiosqlite'", "sqlite"),
        ("postgresql://u:geheim@h:port/d", "not the URL of a database: .*//\\*\\*\\*@h", "--db"),
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_used(
    opened: Callable[[str], object], url: str, message: str, note: str
) -> None:
    with pytest.raises(StoreUnavailable, match=message) as caught:
        opened(url)
    assert note in _notes(caught.value)
    assert "geheim" not in str(caught.value) + _notes(caught.value)


def test_passwords_are_masked() -> None:
    assert masked("postgresql://ann:geheim@h/d") == "postgresql://ann:***@h/d"
    assert "geheim" not in masked("postgresql://ann@h/d?password=geheim&sslkey=geheim")
    assert "geheim" not in masked("postgresql://ann:ge/heim@geheim@h:x/d")


def test_the_store_shows_no_password() -> None:
    url = "postgresql+psycopg://ann:geheim@127.0.0.1:1/d"
    assert "geheim" not in repr(AuditStore(url, databases.connect(url)))


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"the folder of .*/none/a\.db does not exist") as e:
        AuditStore.create(_lite(tmp_path / "none" / "a.db"))
    assert f"mkdir -p {tmp_path}/none" in _notes(e.value)


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="is a folder, expected a file") as caught:
        AuditStore.create(_lite(tmp_path))
    assert "name a file in it" in _notes(caught.value)


def test_opening_what_is_not_there_makes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with pytest.raises(NotAStore, match="there is no audit store at") as caught:
        AuditStore.open(_lite(path))
    assert f"trustlayer db upgrade --db sqlite:///{path}" in _notes(caught.value)
    assert schema.state(_lite(path)).standing is schema.Standing.NONE
    assert not path.exists()


def test_a_database_of_somebody_else(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as other:
        other.execute("CREATE TABLE mine (x)")
    with pytest.raises(NotAStore, match="there is no audit store in sqlite:///") as caught:
        AuditStore.open(_lite(tmp_path / "a.db"))
    assert "trustlayer db upgrade --db" in _notes(caught.value)


@pytest.mark.parametrize("opened", [AuditStore.open, AuditStore.create])
def test_a_file_that_is_no_database(tmp_path: Path, opened: Callable[[str], object]) -> None:
    path = tmp_path / "a.db"
    path.write_text("Not a database, but a letter to one. " * 200)
    with pytest.raises(NotAStore, match=r"a\.db is not an SQLite database") as caught:
        opened(_lite(path))
    assert "name another file" in _notes(caught.value)


def _set_revision(url: str, revision: str) -> None:
    engine = databases.connect(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE {schema.VERSION_TABLE} SET version_num = '{revision}'"  # noqa: S608
        )
    engine.dispose()


def test_a_newer_schema(url: str) -> None:
    AuditStore.create(url).close()
    _set_revision(url, "9999")
    for opened in (AuditStore.open, AuditStore.create, schema.upgrade):
        with pytest.raises(SchemaTooNew, match=r"has schema 9999, .* expected 000") as caught:
            opened(url)
        assert "pip install --upgrade trustlayer" in _notes(caught.value)


def test_an_older_schema(url: str) -> None:
    schema.upgrade(url, "0001")
    with pytest.raises(SchemaTooOld, match=f"has schema 0001, expected {schema.HEAD}") as caught:
        AuditStore.open(url)
    assert "upgrade it: trustlayer db upgrade --db" in _notes(caught.value)


def test_what_cannot_be_recorded_is_not_handed_out(tmp_path: Path) -> None:
    @detector
    def calm(exchange: Exchange) -> Finding:
        return Finding(0.0)

    with AuditStore.create(_lite(tmp_path / "a.db")) as store:
        _leave_room(store, 0)
        verifier = Verifier([calm], [lambda text: "x" * 1_000_000], store=store)
        with pytest.raises(StoreUnavailable, match="is out of space") as caught:
            verifier.run("Where?")
        assert "df -h" in _notes(caught.value)
        _leave_room(store, 10_000)
        assert verifier.run("Where?").answer is not None  # as soon as there is room
        assert len(store.recent()) == 1


def _leave_room(store: AuditStore, pages: int) -> None:
    # SQLite reports a full disk and a full database file in the same way.
    def limit(connection: sqlite3.Connection, _record: object) -> None:
        [[used]] = connection.execute("PRAGMA page_count").fetchall()
        connection.execute(f"PRAGMA max_page_count = {used + pages}")

    engine = store._engine
    engine.dispose()
    event.listen(engine, "connect", limit)


def _fill(store: AuditStore, run: Run, kept: list[Outcome]) -> None:
    for _ in range(1000):
        kept.append(run(prompt=os.urandom(4000).hex(), store=store))


@pytest.mark.skipif(sys.platform != "linux", reason="needs a tmpfs")
def test_a_disk_that_fills_up_loses_nothing_that_was_recorded(tmp_path: Path, run: Run) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=1m tmpfs {disk} 2>/dev/null"):
        pytest.skip("making a small disk takes root and the right to mount")
    try:
        url = _lite(disk / "a.db")
        kept: list[Outcome] = []
        store = AuditStore.create(url)
        with pytest.raises(StoreUnavailable, match=r"out of space|could not be read or written"):
            _fill(store, run, kept)
        store.close()
        with AuditStore.open(url) as store:
            assert {o.id for o in store.recent(1000)} >= {o.id for o in kept}
            assert len(kept) > 1
    finally:
        os.system(f"umount {disk}")


def test_a_read_only_database(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "a.db"
    AuditStore.create(_lite(path)).close()
    with AuditStore.open(f"sqlite:///file:{path}?mode=ro&uri=true") as store:
        assert store.recent() == []
        with pytest.raises(StoreUnavailable, match="cannot be written: attempt to write") as caught:
            store.record(run())
        assert "make it writable: chmod u+w" in _notes(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="no such rights there")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    AuditStore.create(_lite(path)).close()
    path.chmod(0)
    effective = os.geteuid()
    if effective == 0:
        for folder in (tmp_path, *tmp_path.parents):
            if not folder.stat().st_mode & 0o001:
                folder.chmod(folder.stat().st_mode | 0o011)
        os.seteuid(65534)
    try:
        with pytest.raises(StoreUnavailable, match="cannot be opened") as caught:
            AuditStore.open(_lite(path))
    finally:
        os.seteuid(effective)
    assert "grant access to it and to its folder: ls -ld" in _notes(caught.value)


def test_a_locked_database(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "PATIENCE", 0.05)
    path = tmp_path / "a.db"
    with AuditStore.create(_lite(path)) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="is locked by another program") as caught:
            store.record(run())
        assert f"fuser {path}" in _notes(caught.value)
        other.execute("ROLLBACK")
        other.close()
        store.record(run())  # and works again


def test_a_damaged_database(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "a.db"
    with AuditStore.create(_lite(path)) as store:
        for _ in range(20):
            run(store=store)
    content = bytearray(path.read_bytes())
    content[4096 * 2 :] = b"\x5a" * (len(content) - 4096 * 2)
    path.write_bytes(content)
    damaged = AuditStore(_lite(path), databases.connect(_lite(path)))
    with pytest.raises(StoreUnavailable, match="is damaged") as caught:
        damaged.recent()
    damaged.close()
    assert ".recover" in _notes(caught.value)


def test_a_server_that_does_not_answer() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreUnavailable, match="cannot be reached") as caught:
        AuditStore.open("postgresql://ann:geheim@127.0.0.1:1/d")
    assert "pg_isready" in _notes(caught.value)
    assert "geheim" not in str(caught.value)


class Postgres(Protocol):
    """The server of conftest.py."""

    folder: Path
    url: str

    def database(self) -> str: ...


@pytest.mark.parametrize(
    ("was", "now", "message", "note"),
    [
        ("/postgres?", "/none?", "does not exist: .*none", "createdb"),
        ("postgres@", "nobody@", "refuses this user: .*nobody", "the user or the password"),
        ("host=/", "host=/none/", "cannot be reached", "pg_isready"),
    ],
)
def test_a_server_that_refuses(
    postgres: Postgres, was: str, now: str, message: str, note: str
) -> None:
    assert was in postgres.url
    with pytest.raises(StoreUnavailable, match=message) as caught:
        AuditStore.open(postgres.url.replace(was, now))
    assert note in _notes(caught.value)


def test_a_wrong_password(postgres: Postgres) -> None:
    rights = postgres.folder / "data" / "pg_hba.conf"
    before = rights.read_text()
    _on_server(postgres, "CREATE ROLE locked LOGIN PASSWORD 'geheim'")
    try:
        rights.write_text(f"local all locked scram-sha-256\n{before}")
        _on_server(postgres, "SELECT pg_reload_conf()")
        url = postgres.url.replace("postgres@", "locked:{}@")
        assert schema.state(url.format("geheim")).revision in (None, schema.HEAD)
        with pytest.raises(StoreUnavailable, match="refuses this user") as caught:
            AuditStore.open(url.format("verraten"))
    finally:
        rights.write_text(before)
        _on_server(postgres, "SELECT pg_reload_conf()")
    assert "the user or the password in the URL" in _notes(caught.value)
    assert "verraten" not in str(caught.value) + _notes(caught.value)


def test_a_read_only_server_records_nothing_and_reads_on(postgres: Postgres, run: Run) -> None:
    url = postgres.database()
    with AuditStore.create(url) as store:
        kept = run(store=store)
    name = url.split("search_path%3D")[1]
    options = f"-csearch_path={name} -cdefault_transaction_read_only=on"
    with AuditStore.open(url.split("&options=")[0] + f"&options={quote(options)}") as store:
        with pytest.raises(StoreUnavailable, match="is read-only") as caught:
            store.record(run())
        assert store.recent() == [kept]
    assert "primary server" in _notes(caught.value)


def _on_server(postgres: Postgres, statement: str) -> None:
    engine = databases.connect(postgres.url)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(Exception, match="PostgreSQL needs a driver") as caught:
        AuditStore.open("postgresql://ann@h/d")
    assert "pip install 'trustlayer[postgres]'" in _notes(caught.value)


def test_errors_show_neither_texts_nor_parameters(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "a.db"
    with AuditStore.create(_lite(path)) as store:
        with sqlite3.connect(path) as other:
            other.execute("DROP TABLE evidence")
            other.execute("DROP TABLE findings")
        with pytest.raises(StoreError) as caught:
            run(prompt="my secret question", store=store)
    shown = "".join(map(str, [caught.value, caught.value.__cause__, *caught.value.__notes__]))
    assert "secret" not in shown
