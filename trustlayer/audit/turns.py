"""Threads and tasks that write at once share one transaction: group commit."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import TypeVar

from trustlayer.audit.records import Record

T = TypeVar("T")

MOST = 64  # tickets in one transaction: enough to share the disk's wait, few enough to fit memory


@dataclass(slots=True)
class _Ticket:
    records: Sequence[Record]
    leads: bool = False  # its thread has to write, for all who wait
    done: bool = False
    error: Exception | None = None
    told: Event = field(default_factory=Event)  # that it leads, or is done


@dataclass(slots=True)
class Turns:
    """Whoever finds a lane free writes, in one go, what all who wait have brought.

    With one of *lanes* things are written in the order in which they were brought; several
    keep a server busy while another transaction is being made. Once his own is written, the
    writer hands his lane to the one who has waited longest.
    """

    write: Callable[[Sequence[Record]], None]  # in one transaction, durable when it returns
    lanes: int = 1  # that are free
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
        # Shielded, for it may be the one who has to write for others.
        await asyncio.shield(loop.run_in_executor(self._thread, self._finish, ticket))

    def close(self) -> None:
        """End the thread that writes for tasks, once it has written what they brought."""
        self._thread.shutdown()

    def _queue(self, records: Sequence[Record]) -> _Ticket:
        ticket = _Ticket(records)
        with self._lock:
            self._waiting.append(ticket)
            if self.lanes:
                self.lanes -= 1
                ticket.leads = True
        return ticket

    def _finish(self, ticket: _Ticket) -> None:
        if not ticket.leads:
            ticket.told.wait()
        if ticket.leads:
            self._lead(ticket)
        if ticket.error is not None:
            raise ticket.error

    def _lead(self, own: _Ticket) -> None:
        try:
            own.told.clear()
            while not own.done:
                if tickets := self._next():
                    self._serve_all(tickets, own)
                else:  # another lane has taken it
                    own.told.wait()
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        with self._lock:
            if not self._waiting:
                self.lanes += 1
                return
            ticket = self._waiting[0]
            ticket.leads = True
            ticket.told.set()

    def _next(self) -> list[_Ticket]:
        with self._lock:
            return [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]

    def _serve_all(self, tickets: Sequence[_Ticket], own: _Ticket) -> None:
        try:
            self._serve(tickets)
        except BaseException:  # of this thread alone, like Ctrl-C: the others are still waiting
            left = [t for t in tickets if not t.done and t is not own]
            with self._lock:
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
            ticket.told.set()
