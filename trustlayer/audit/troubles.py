"""A database's errors, told in our words: what happened, and what mends it."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from trustlayer.audit.databases import file_of, masked
from trustlayer.errors import NotAStore, StoreError, StoreUnavailable

_LITE = {
    "SQLITE_FULL": ("is out of space", "free some space on its disk: df -h {folder}"),
    "SQLITE_READONLY": ("cannot be written", "make it writable: chmod u+w {file} {folder}"),
    "SQLITE_BUSY": ("is locked by another program", "find it and end it: fuser {file}"),
    "SQLITE_LOCKED": ("is locked by another program", "find it and end it: fuser {file}"),
    "SQLITE_CORRUPT": (
        "is damaged",
        "restore it from a backup, or save what is left: sqlite3 {file} .recover",
    ),
    "SQLITE_IOERR": ("could not be read or written", "look after its disk: dmesg, df -h {folder}"),
    "SQLITE_PERM": ("may not be opened", "grant access to it: ls -l {file}"),
    "SQLITE_TOOBIG": ("cannot hold a text that long", "use PostgreSQL, or shorter texts"),
}
_STATES = {  # SQLSTATE, by its beginning
    "28": ("refuses this user", "mend the user or the password in the URL"),
    "3D": ("does not exist", "make it: createdb DATABASE"),
    "42501": ("does not let this user do that", "grant it, or name another user in the URL"),
    "53100": ("is out of space", "free some space on the server's disk"),
    "53": ("is out of resources", "raise max_connections, or use fewer writers"),
    "25006": ("is read-only", "name the primary server in the URL"),
}
_SAID = {  # by the server when it refuses a connection: drivers have no SQLSTATE for that
    "authentication failed": "28",
    'role "': "28",
    'database "': "3D",
    "too many": "53",
}
_OF_ROWS = (DataError, IntegrityError, NotSupportedError, ProgrammingError)
_UNREACHABLE = ("cannot be reached", "see that the server runs: pg_isready -d URL")


@contextmanager
def explained(url: str) -> Generator[None]:
    """Turn errors of the database at *url* into StoreError and its kin."""
    try:
        yield
    except PoolTimeout as error:
        failure = StoreUnavailable(f"all connections to {masked(url)} are in use")
        failure.add_note("use fewer threads, or one AuditStore for each group of them")
        raise failure from error
    except SQLAlchemyError as error:
        raise explain(url, error) from error


def explain(url: str, error: SQLAlchemyError) -> StoreError:
    """The StoreError that tells of *error*."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(cause, sqlite3.Error):
        return _lite(url, cause)
    line = _line(cause or error)
    what, mend = _state(str(getattr(cause, "sqlstate", None) or _said(line)))
    failure = StoreUnavailable(f"the database {masked(url)} {what}: {line}")
    failure.add_note(mend)
    return failure


def away(error: BaseException) -> bool:
    """Whether *error* is the database's, and it may take the same later."""
    row_at_fault = isinstance(error.__cause__, _OF_ROWS)
    return isinstance(error, StoreUnavailable) and not row_at_fault


def _lite(url: str, cause: sqlite3.Error) -> StoreError:
    name = getattr(cause, "sqlite_errorname", None) or ""
    if name == "SQLITE_NOTADB":
        return _not_a_database(url)
    if name.startswith("SQLITE_CANTOPEN"):
        return _not_to_be_opened(url)
    what, mend = next(
        (words for start, words in _LITE.items() if name.startswith(start)),
        ("failed", "look after it: sqlite3 {file} 'PRAGMA integrity_check'"),
    )
    error = StoreUnavailable(f"the database {masked(url)} {what}: {_line(cause)}")
    path = file_of(url)
    error.add_note(mend.format(file=path or "FILE", folder=path.absolute().parent if path else "."))
    return error


def _not_a_database(url: str) -> NotAStore:
    error = NotAStore(f"{file_of(url) or masked(url)} is not an SQLite database")
    error.add_note("name another file: --db sqlite:///FILE")
    return error


def _not_to_be_opened(url: str) -> StoreUnavailable:
    path = file_of(url)
    folder = path.absolute().parent if path else None
    if path and folder and not folder.exists():
        error = StoreUnavailable(f"the folder of {path} does not exist")
        error.add_note(f"make it: mkdir -p {folder}")
    elif path and path.is_dir():
        error = StoreUnavailable(f"{path} is a folder, expected a file")
        error.add_note(f"name a file in it: --db sqlite:///{path}/trustlayer.db")
    else:
        error = StoreUnavailable(f"the database {masked(url)} cannot be opened")
        error.add_note(f"grant access to it and to its folder: ls -ld {folder or '.'}")
    return error


def _said(line: str) -> str:
    found = (state for words, state in _SAID.items() if "FATAL" in line and words in line)
    return next(found, "")


def _state(sqlstate: str) -> tuple[str, str]:
    found = [words for start, words in _STATES.items() if sqlstate.startswith(start)]
    if not found and sqlstate and not sqlstate.startswith(("08", "57")):
        return ("failed", "see the server's log")
    return found[0] if found else _UNREACHABLE


def _line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
