"""Waiting for a call no longer than there is time."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


class TimedOut(Exception):
    """The call had not returned in time; it goes on in its thread, which cannot be stopped."""

    # Not TimeoutError: what is called may raise that one itself.


def within(seconds: float | None, call: Callable[[], T]) -> T:
    """What *call* returns or raises; raises TimedOut after *seconds*, None waits for ever."""
    if seconds is None:
        return call()
    future: Future[T] = Future()
    context = contextvars.copy_context()  # so that traces and callbacks reach the call

    def work() -> None:
        try:
            future.set_result(context.run(call))
        except BaseException as error:
            future.set_exception(error)

    Thread(target=work, daemon=True, name="trustlayer-waiting").start()
    if not wait([future], seconds).done:
        raise TimedOut
    return future.result()
