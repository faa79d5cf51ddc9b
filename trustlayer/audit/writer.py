"""Records on their way to the database, or to the spool while the database is away.

While a process's own spool file holds anything, what it records goes behind that, so that the
order stays; every write replays some of it first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from trustlayer.audit.records import Record
from trustlayer.audit.spool import Spool
from trustlayer.audit.spooled import frozen, thawed
from trustlayer.audit.troubles import away
from trustlayer.errors import StoreError, StoreUnavailable

Commit = Callable[[Sequence[Record]], None]  # in one transaction, durable when it returns

_SOME = 200  # outcomes replayed before a write: that long it may have to wait
_REST = 1.0  # seconds in which a database that was away is not asked again, or as it took to tell


@dataclass(frozen=True, slots=True)
class Drained:
    """How many outcomes were replayed, and the files with what could not be."""

    count: int
    aside: tuple[Path, ...]


class Spooling:
    """Commits records, or spools them when the database is away; one thread at a time."""

    def __init__(self, commit: Commit, spool: Spool) -> None:
        self._commit = commit
        self._spool = spool
        self._asleep_until = 0.0
        self._trouble: StoreError | None = None
        self.alone = Lock()

    def write(self, records: Sequence[Record]) -> None:
        """Return once *records* are durable; raises StoreUnavailable when nothing takes them."""
        with self.alone:
            self._write(records)

    def _write(self, records: Sequence[Record]) -> None:
        if self._trouble is None or time.monotonic() >= self._asleep_until:
            begun = time.monotonic()
            try:
                self._replay_some()
                if not any(map(self._spool.owns, self._spool.files())):
                    self._commit(records)
                    return
            except StoreError as error:
                self._rest(error, begun)
        self._append(records)

    def drain(self) -> Drained:
        """Replay everything; raises StoreUnavailable when the database is away."""
        count = 0
        with self.alone:
            for path in self._spool.files():
                while done := self._spool.replay(path, self._replay, _SOME):
                    count += done
            self._trouble = None
        return Drained(count, tuple(self._spool.aside()))

    def close(self) -> None:
        """Let go of the spool; what is in it stays there."""
        self._spool.close()

    def _rest(self, error: StoreError, begun: float) -> None:
        # Whoever cannot be reached may take long to tell: not every answer shall wait for that.
        if not away(error):
            raise error
        self._trouble = error
        now = time.monotonic()
        self._asleep_until = now + max(_REST, now - begun)

    def _replay_some(self) -> None:
        left = _SOME
        for path in self._spool.files():
            left -= self._spool.replay(path, self._replay, left)
            if left <= 0:
                break
        self._trouble = None

    def _replay(self, payloads: Sequence[bytes]) -> Sequence[bytes]:
        """Commit what *payloads* say; returns those that the database refuses."""
        refused = list[bytes]()
        records = list[Record]()
        for payload in payloads:
            try:
                records.append(thawed(payload))
            except ValueError:
                refused.append(payload)
        return refused + [frozen(record) for record in self._commit_all(records)]

    def _commit_all(self, records: Sequence[Record]) -> Sequence[Record]:
        # Together, or one by one when one is at fault; returns those at fault.
        try:
            if records:
                self._commit(records)
        except (StoreError, ValueError) as error:
            if away(error):
                raise
            if len(records) == 1:
                return records
            return [refused for record in records for refused in self._commit_all([record])]
        return []

    def _append(self, records: Sequence[Record]) -> None:
        try:
            self._spool.append([frozen(record) for record in records])
        except OSError as error:
            where = self._spool.folder
            failure = StoreUnavailable(
                f"neither the database nor the spool {where} takes the outcome: {error.strerror}"
            )
            failure.add_note(f"the database: {self._trouble}")
            failure.add_note(f"free some space for the spool: df -h {where}")
            raise failure from error
