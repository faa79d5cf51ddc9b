"""The schema of a database: which revision it has, and the way to another."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, column, inspect, select, table, text

from trustlayer.audit.databases import (
    connect,
    expect_file,
    file_of,
    for_writing,
    masked,
)
from trustlayer.audit.troubles import explained
from trustlayer.errors import NotAStore, SchemaTooNew, SchemaTooOld, StoreError

if TYPE_CHECKING:
    from alembic.config import Config  # takes its time to import, and most have no need of it

HEAD = "0005"  # the newest revision; a test holds it and the migrations together
VERSION_TABLE = "trustlayer_version"  # an application beside us may have its own Alembic

_LOCK = 0x7472757374  # "trust": PostgreSQL's advisory lock for those who upgrade


class Standing(StrEnum):
    """How a database's schema stands to the one that this trustlayer needs."""

    NONE = "no audit store"
    OLD = "too old"
    CURRENT = "current"
    NEW = "too new"


@dataclass(frozen=True, slots=True)
class State:
    """The revision that a database has (None: there is no store in it) and the one it needs."""

    revision: str | None
    head: str
    standing: Standing


def head() -> str:
    """The revision that this trustlayer needs."""
    return HEAD


def current(url: str) -> str | None:
    """The revision of the database, or None when there is no store in it."""
    return state(url).revision


def state(url: str) -> State:
    """How the database at *url* stands; raises StoreUnavailable when nobody can tell."""
    path = file_of(url)
    if path is not None and path.parent.exists() and not path.exists():
        return State(None, HEAD, Standing.NONE)  # looking must not make the file
    engine = connect(url)
    try:
        with explained(url), engine.connect() as connection:
            return state_of(connection)
    finally:
        engine.dispose()


def state_of(connection: Connection) -> State:
    revision = _revision(connection)
    if revision is None:
        return State(None, HEAD, Standing.NONE)
    if revision == HEAD:
        return State(revision, HEAD, Standing.CURRENT)
    return State(revision, HEAD, Standing.OLD if revision in _revisions() else Standing.NEW)


def expect_current(engine: Engine, url: str) -> None:
    """Raise NotAStore, SchemaTooOld or SchemaTooNew unless the schema is the one needed."""
    with explained(url), engine.connect() as connection:
        found = state_of(connection)
    if found.standing is not Standing.CURRENT:
        raise _mismatch(found, url)


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database up to *revision*, making it if need be; raises SchemaTooNew.

    All of it happens in one transaction: it succeeds, or nothing has changed.
    """
    _migrate(url, revision, up=True)


def upgrade_by(engine: Engine, url: str) -> None:
    """Do what `upgrade` does through *engine*: a database in memory has no other door."""
    _migrate_by(engine, url, "head", up=True)


def downgrade(url: str, revision: str) -> None:
    """Take the database down to *revision*; "base" removes the store and all it holds."""
    expect_file(url)
    _migrate(url, revision, up=False)


def configuration() -> Config:
    """Alembic's configuration for our migrations, wherever trustlayer is installed."""
    from alembic.config import Config

    location = str(files("trustlayer_migrations"))
    config = Config()
    config.set_main_option("script_location", location.replace("%", "%%"))  # no interpolation
    return config


def _migrate(url: str, revision: str, *, up: bool) -> None:
    engine = connect(url)
    try:
        _migrate_by(engine, url, revision, up=up)
    finally:
        engine.dispose()


def _migrate_by(engine: Engine, url: str, revision: str, *, up: bool) -> None:
    from alembic import command

    with explained(url), for_writing(engine).connect() as connection:
        _keep_a_log(connection)
        with connection.begin():
            _alone(connection)
            if (found := state_of(connection)).standing is Standing.NEW:
                raise _mismatch(found, url)
            config = configuration()
            config.attributes["connection"] = connection
            (command.upgrade if up else command.downgrade)(config, revision)
            if up and revision == "head":
                _make_months(connection)


def _make_months(connection: Connection) -> None:
    from trustlayer.audit.partitions import ahead  # which needs the store, which needs this

    ahead(connection)


def _keep_a_log(connection: Connection) -> None:
    # Readers and the writer do not wait for each other then. The mode stays with the file.
    if connection.dialect.name == "sqlite":
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA journal_mode = WAL")


def _alone(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    versions = table(VERSION_TABLE, column("version_num"))
    return connection.scalar(select(versions.c.version_num))


def _revisions() -> set[str]:
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(configuration())
    return {script.revision for script in scripts.walk_revisions()}


def _mismatch(found: State, url: str) -> StoreError:
    shown = masked(url)
    upgrade = f"trustlayer db upgrade --db {shown}"
    if found.standing is Standing.NONE:
        error: StoreError = NotAStore(f"there is no audit store in {shown}")
        error.add_note(f"make one: {upgrade}")
    elif found.standing is Standing.OLD:
        error = SchemaTooOld(
            f"the audit store {shown} has schema {found.revision}, expected {found.head}"
        )
        error.add_note(f"upgrade it: {upgrade}")
    else:
        error = SchemaTooNew(
            f"the audit store {shown} has schema {found.revision}, which this trustlayer does "
            f"not know; expected {found.head}"
        )
        error.add_note("install the trustlayer that made it: pip install --upgrade trustlayer")
    return error
