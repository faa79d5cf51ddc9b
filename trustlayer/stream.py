"""Streamed answers: text reaches the reader sentence by sentence, each only after it passed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Generator,
    Iterator,
)
from contextlib import suppress
from dataclasses import dataclass, field

from trustlayer.asking import aask_all, ask_all
from trustlayer.deadline import TimedOut, within
from trustlayer.examination import Examination
from trustlayer.exchange import Exchange
from trustlayer.model import Answer, Ask, Reply
from trustlayer.outcome import Outcome
from trustlayer.patience import retry_after
from trustlayer.runs import Run, describe
from trustlayer.streaming import Next, Piece, Release, Stop, Streaming, StreamSent, StreamStep
from trustlayer.trail import Several

_END = object()


@dataclass(slots=True)
class Live:
    """A streamed run: its course, and what the verifier does for it."""

    run: Run
    course: Streaming
    examine: Callable[[Exchange], Examination]
    record: Callable[[], Outcome]
    concurrency: int = 16
    outcome: Outcome | None = None

    def advance(self, sent: StreamSent = None) -> StreamStep | None:
        try:
            return self.course.send(sent)
        except StopIteration:
            return None

    def settle(self) -> None:
        """Have the outcome recorded, once."""
        if self.outcome is None:
            self.outcome = self.record()

    def interrupt(self, error: BaseException) -> None:
        """Break off, keeping what was asked and answered so far."""
        if self.outcome is None:
            self.run.interrupted = f"interrupted by {describe(error)}"
            self.course.close()
            self.settle()


@dataclass(slots=True)
class Stream:
    """Iterate over it for the text that has passed; then its `outcome` tells what happened.

    An answer that was not accepted to its end simply ends: `outcome.action` says so.
    """

    live: Live = field(repr=False)
    _texts: Generator[str, None, None] | None = field(default=None, repr=False)

    @property
    def outcome(self) -> Outcome | None:
        """What came of it; None before the end."""
        return self.live.outcome

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._texts is None:
            self._texts = _texts(self.live)
        return next(self._texts)

    def close(self) -> None:
        """Stop the model and record what happened so far."""
        self._texts = self._texts or _texts(self.live)
        self._texts.close()


@dataclass(slots=True)
class AsyncStream:
    """What `Stream` is, awaited."""

    live: Live = field(repr=False)
    _texts: AsyncGenerator[str, None] | None = field(default=None, repr=False)

    @property
    def outcome(self) -> Outcome | None:
        """What came of it; None before the end."""
        return self.live.outcome

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        if self._texts is None:
            self._texts = _atexts(self.live)
        return await anext(self._texts)

    async def aclose(self) -> None:
        """Stop the model and record what happened so far."""
        self._texts = self._texts or _atexts(self.live)
        await self._texts.aclose()


def _texts(live: Live) -> Generator[str, None, None]:
    upstream = _Upstream()
    try:
        step = live.advance()
        while step is not None:
            sent: StreamSent = None
            match step:
                case Next(ask):
                    sent = upstream.piece(ask)
                case Exchange():
                    sent = live.examine(step)
                case Several(asks):
                    sent = tuple(ask_all(asks, live.concurrency))
                case Release(text, last):
                    if last:
                        live.settle()
                    yield text
                case Stop():
                    upstream.close()
            step = live.advance(sent)
        live.settle()
    except BaseException as error:
        live.interrupt(error)
        raise
    finally:
        upstream.close()


async def _atexts(live: Live) -> AsyncGenerator[str, None]:
    upstream = _AsyncUpstream()
    try:
        step = live.advance()
        while step is not None:
            sent: StreamSent = None
            match step:
                case Next(ask):
                    sent = await upstream.piece(ask)
                case Exchange():
                    sent = await asyncio.to_thread(live.examine, step)
                case Several(asks):
                    sent = tuple(await aask_all(asks, live.concurrency))
                case Release(text, last):
                    if last:
                        await asyncio.to_thread(live.settle)
                    yield text
                case Stop():
                    await upstream.close()
            step = live.advance(sent)
        await asyncio.to_thread(live.settle)
    except BaseException as error:
        live.interrupt(error)  # not in a thread: a cancelled task cannot wait for one
        raise
    finally:
        await upstream.close()


@dataclass(slots=True)
class _Upstream:
    """The model's stream that is open at present, if one is."""

    chunks: Iterator[Answer] | None = None
    reply: Reply | None = None

    def piece(self, ask: Ask) -> Piece:
        begun = time.perf_counter()
        try:
            if self.chunks is None:
                if ask.after:
                    time.sleep(ask.after)
                self.chunks = within(ask.patience, lambda: _opened(ask))
            chunks = self.chunks
            chunk = within(ask.patience, lambda: next(chunks, _END))
        except Exception as error:
            return _failed(ask, error, begun)
        return _piece(self, ask, chunk, begun)

    def close(self) -> None:
        chunks, self.chunks, self.reply = self.chunks, None, None
        with suppress(Exception):  # what an unwanted answer ends with is of no concern
            if (close := getattr(chunks, "close", None)) is not None:
                close()


@dataclass(slots=True)
class _AsyncUpstream:
    chunks: Iterator[Answer] | AsyncIterator[Answer] | None = None
    reply: Reply | None = None

    async def piece(self, ask: Ask) -> Piece:
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(None if ask.patience is None else ask.patience + ask.after):
                if self.chunks is None:
                    if ask.after:
                        await asyncio.sleep(ask.after)
                    self.chunks = await _aopened(ask)
                chunk = await _anext(self.chunks)
        except TimeoutError as error:
            late = TimedOut() if ask.patience is not None else error
            return _failed(ask, late, begun)
        except Exception as error:
            return _failed(ask, error, begun)
        return _piece(self, ask, chunk, begun)

    async def close(self) -> None:
        chunks, self.chunks, self.reply = self.chunks, None, None
        with suppress(Exception):
            if (aclose := getattr(chunks, "aclose", None)) is not None:
                await aclose()
            elif (close := getattr(chunks, "close", None)) is not None:
                await asyncio.to_thread(close)


def _opened(ask: Ask) -> Iterator[Answer]:
    if ask.model.stream is None:
        return iter([ask.answer()])
    chunks = ask.model.stream(ask.request)
    if isinstance(chunks, AsyncIterable):
        error = TypeError(f"the stream of the model {ask.model.name!r} is asynchronous")
        error.add_note("use verifier.astream(...) in place of verifier.stream(...)")
        raise error
    return iter(chunks)


async def _aopened(ask: Ask) -> Iterator[Answer] | AsyncIterator[Answer]:
    if ask.model.stream is None:
        return iter([await ask.aanswer()])
    chunks = await asyncio.to_thread(ask.model.stream, ask.request)
    return aiter(chunks) if isinstance(chunks, AsyncIterable) else iter(chunks)


async def _anext(chunks: Iterator[Answer] | AsyncIterator[Answer]) -> object:
    if isinstance(chunks, AsyncIterator):
        return await anext(chunks, _END)
    return await asyncio.to_thread(next, chunks, _END)


def _piece(upstream: _Upstream | _AsyncUpstream, ask: Ask, chunk: object, begun: float) -> Piece:
    seconds = time.perf_counter() - begun
    if chunk is _END:
        reply = upstream.reply
        upstream.chunks, upstream.reply = None, None
        return Piece(None, reply, seconds=seconds)
    if isinstance(chunk, Reply):
        upstream.reply = chunk
        text = chunk.text if ask.model.stream is None else ""
        return Piece(text, chunk, seconds=seconds)
    if isinstance(chunk, str):
        return Piece(chunk, seconds=seconds)
    found = type(chunk).__name__
    wrong = f"{ask.model.name!r} must stream str, or a Reply at the end, got {found}"
    return Piece(error=wrong, seconds=seconds)


def _failed(ask: Ask, error: Exception, begun: float) -> Piece:
    seconds = time.perf_counter() - begun
    if isinstance(error, TimedOut):
        return Piece(error=f"nothing within the {ask.patience:g} s that were left", seconds=seconds)
    return Piece(error=describe(error), seconds=seconds, retry_after=retry_after(error))
