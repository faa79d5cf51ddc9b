"""Threads and tasks that write at once share one transaction: group commit."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import TypeVar

from trustlayer.audit.records import Record

T = TypeVar("T")

MOST = 64  # tickets in one transaction: enough to share the disk's wait, few enough to fit memory


@dataclass(slots=True)
class _Ticket:
    records: Sequence[Record]
    done: bool = False
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Turns:
    """Whoever gets the lock writes, in one go, what all who wait for it have brought."""

    write: Callable[[Sequence[Record]], None]  # in one transaction, durable when it returns
    _waiting: deque[_Ticket] = field(default_factory=deque[_Ticket])
    _lock: Lock = field(default_factory=Lock)
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "trustlayer-audit")
    )

    def take(self, records: Sequence[Record]) -> None:
        """Return once *records* are written, or raise what kept them from being so."""
        self._finish(self._queue(records))

    async def atake(self, records: Sequence[Record]) -> None:
        """Do what `take` does, awaited: one thread writes for all tasks."""
        loop, ticket = asyncio.get_running_loop(), self._queue(records)
        await loop.run_in_executor(self._thread, self._finish, ticket)

    def alone(self, act: Callable[[], T]) -> T:
        """What *act* returns, nobody writing meanwhile."""
        with self._lock:
            return act()

    def close(self) -> None:
        """End the thread that writes for tasks, once it has written what they brought."""
        self._thread.shutdown()

    def _queue(self, records: Sequence[Record]) -> _Ticket:
        ticket = _Ticket(records)
        self._waiting.append(ticket)
        return ticket

    def _finish(self, ticket: _Ticket) -> None:
        with self._lock:
            while not ticket.done:
                self._serve_next(ticket)
        if ticket.error is not None:
            raise ticket.error

    def _serve_next(self, own: _Ticket) -> None:
        tickets = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        try:
            self._serve(tickets)
        except BaseException:  # of this thread alone, like Ctrl-C: the others are still waiting
            left = [t for t in tickets if not t.done and t is not own]
            self._waiting.extendleft(reversed(left))
            raise

    def _serve(self, tickets: Sequence[_Ticket]) -> None:
        try:
            self.write([record for ticket in tickets for record in ticket.records])
        except Exception as error:
            if len(tickets) > 1:  # one may be at fault for all
                for ticket in tickets:
                    self._serve([ticket])
                return
            tickets[0].error = error
        for ticket in tickets:
            ticket.done = True
