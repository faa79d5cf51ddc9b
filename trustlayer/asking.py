"""Models asked: one or many at once, in threads or awaited; every failure becomes an `Answered`."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from trustlayer.deadline import TimedOut, within
from trustlayer.model import Ask, Reply
from trustlayer.patience import retry_after
from trustlayer.runs import describe
from trustlayer.trail import Answered


def ask_all(asks: Sequence[Ask], concurrency: int) -> list[Answered]:
    if len(asks) < 2:
        return [_ask(ask) for ask in asks]
    contexts = [contextvars.copy_context() for _ in asks]
    with ThreadPoolExecutor(min(concurrency, len(asks))) as pool:
        futures = [pool.submit(c.run, _ask, ask) for c, ask in zip(contexts, asks, strict=True)]
        return [future.result() for future in futures]


def _ask(ask: Ask) -> Answered:
    begun = time.perf_counter()
    try:
        if ask.after:
            time.sleep(ask.after)
        return Answered(within(ask.patience, ask.answer), None, time.perf_counter() - begun)
    except Exception as error:
        return _failed(ask, error, begun)


def _failed(ask: Ask, error: Exception, begun: float) -> Answered:
    seconds = time.perf_counter() - begun
    if isinstance(error, TimedOut):
        return Answered(None, f"no answer within the {ask.patience:g} s that were left", seconds)
    return Answered(None, describe(error), seconds, retry_after(error))


async def aask_all(asks: Sequence[Ask], concurrency: int) -> list[Answered]:
    turn = asyncio.Semaphore(concurrency)

    async def one(ask: Ask) -> Answered:
        async with turn:
            return await _aask(ask)

    return await asyncio.gather(*map(one, asks))


async def _aask(ask: Ask) -> Answered:
    begun = time.perf_counter()
    try:
        if ask.after:
            await asyncio.sleep(ask.after)
        reply = await _awithin(ask.patience, ask.aanswer())
        return Answered(reply, None, time.perf_counter() - begun)
    except Exception as error:
        return _failed(ask, error, begun)


async def _awithin(seconds: float | None, reply: Coroutine[Any, Any, Reply]) -> Reply:
    if seconds is None:
        return await reply
    task = asyncio.ensure_future(reply)
    try:
        done, _ = await asyncio.wait([task], timeout=seconds)
    except BaseException:
        task.cancel()
        raise
    if not done:
        task.cancel()
        raise TimedOut
    return task.result()
