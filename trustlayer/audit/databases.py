"""Databases by URL: which can be used, and how each is made durable."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from trustlayer.errors import MissingExtra, NotAStore, StoreUnavailable

EXAMPLE = "sqlite:///trustlayer.db"
PREPARED = "prepare_threshold"  # of psycopg: after so many times a statement is prepared
PATIENCE = 30.0  # seconds that a writer waits for the lock of another

_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}
_SECRET = re.compile(r"pass|secret|key|token", re.IGNORECASE)


def parse(url: str) -> URL:
    """Read *url*; raises StoreUnavailable unless it names a database of a known kind."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise _unreadable(url) from error
    name = _DRIVERS.get(parsed.drivername, parsed.drivername)
    if name not in _DRIVERS.values():
        known = "sqlite:///FILE or postgresql://USER@HOST/DATABASE"
        failure = StoreUnavailable(
            f"no audit store is kept in {parsed.drivername!r} ({masked(url)})"
        )
        failure.add_note(f"expected {known}, e.g. --db {EXAMPLE}")
        raise failure
    return parsed.set(drivername=name)


def masked(url: str) -> str:
    """Show *url* without its password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return re.sub(r"//.*@", "//***@", url)
    query = {k: "***" if _SECRET.search(k) else v for k, v in parsed.query.items()}
    return parsed.set(query=query).render_as_string(hide_password=True)


def file_of(url: str) -> Path | None:
    """The file of an SQLite database; None for one in memory, a file: URI, or a server."""
    parsed = parse(url)
    name = parsed.database or ""
    if parsed.get_backend_name() != "sqlite" or name in ("", ":memory:") or name[:5] == "file:":
        return None
    return Path(name)


def in_memory(url: str) -> bool:
    """Whether the database lives and dies with its connection."""
    parsed = parse(url)
    return parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:")


def expect_file(url: str) -> None:
    """Raise NotAStore when the SQLite file is not there, lest opening it should make one."""
    path = file_of(url)
    if path is not None and not path.exists():
        error = NotAStore(f"there is no audit store at {path}")
        error.add_note(f"make one: trustlayer db upgrade --db {masked(url)}")
        raise error


def connect(url: str) -> Engine:
    """An engine for *url*; nothing is opened yet. Raises MissingExtra, StoreUnavailable."""
    parsed = parse(url)
    lite = parsed.get_backend_name() == "sqlite"
    try:
        options = _lite(url) if lite else _server(parsed)
        plain = parsed.difference_update_query([PREPARED])
        engine = create_engine(plain, hide_parameters=True, **options)
    except ModuleNotFoundError as error:
        failure = MissingExtra(f"PostgreSQL needs a driver that is not installed: {error.name}")
        failure.add_note("pip install 'trustlayer[postgres]'")
        raise failure from error
    event.listen(engine, "connect", _prepare if lite else _prepare_server)
    if lite:
        event.listen(engine, "begin", _begin)
    return engine


def for_writing(engine: Engine) -> Engine:
    """The same engine, its transactions taking SQLite's lock at once, while they can wait."""
    return engine.execution_options(trustlayer_writes=True)


def sweep(engine: Engine, *, texts: bool = True) -> bool:
    """Remove old versions of rows from the disk; False when SQLite's readers are in the way.

    SQLite keeps them in its log, and overwrites those in its file; PostgreSQL keeps them in
    the table until it is rewritten, which locks it, and in its own log until the checkpoint
    after, which takes the right to make one. A server that recycles the files of its log
    (``wal_recycle``) keeps what is in them until it writes over it.
    """
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            [[busy, *_]] = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return not busy
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        for table in ("texts", "correlations", "labels", "decisions")[0 if texts else 1 :]:
            connection.exec_driver_sql(f"VACUUM (FULL) {table}")
        _end_log(connection)
    return True


def _end_log(connection: Connection) -> None:
    for statement in ("SELECT pg_switch_wal()", "CHECKPOINT"):
        try:
            connection.exec_driver_sql(statement)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", "") != "42501":  # no right to: it comes in time
                raise


def _server(url: URL) -> dict[str, Any]:
    options: dict[str, Any] = {} if "connect_timeout" in url.query else {"connect_timeout": 10}
    if (wanted := url.query.get(PREPARED)) is not None:
        options[PREPARED] = _threshold(str(wanted))
    return {"pool_pre_ping": True, "connect_args": options}


def _threshold(wanted: str) -> int | None:
    # A pooler that changes the server session between transactions may not know its statements.
    if wanted != "none" and not wanted.isdecimal():
        error = StoreUnavailable(f"{PREPARED} is {wanted!r}, expected a number, or none")
        error.add_note(f"for a pooler of transactions: postgresql://HOST/DATABASE?{PREPARED}=none")
        raise error
    return None if wanted == "none" else int(wanted)


def _lite(url: str) -> dict[str, Any]:
    options: dict[str, Any] = {"connect_args": {"timeout": PATIENCE, "check_same_thread": False}}
    if file_of(url) is None:  # one connection is the whole database
        options |= {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0}
    return options


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver would begin too late, see _begin
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")  # a commit is on the disk when it returns
    connection.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten


def _prepare_server(connection: Any, _record: object) -> None:
    # A server may be set to answer before the disk has; anything stricter stays as it is.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') = 'off'"
        )
    connection.commit()


def _begin(connection: Connection) -> None:
    # A reader that turns writer fails at once when another has written meanwhile; one that
    # begins as a writer waits for its turn.
    writes = connection.get_execution_options().get("trustlayer_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _unreadable(url: str) -> StoreUnavailable:
    error = StoreUnavailable(f"this is not the URL of a database: {masked(url)!r}")
    file = f"sqlite:///{url}" if re.fullmatch(r"[\w./~-]+", url) else EXAMPLE
    error.add_note(f"expected e.g. --db {file}")
    return error
