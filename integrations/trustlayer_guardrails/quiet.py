"""Guardrails reports its use over the network unless told not to: not on our account."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from guardrails import AsyncGuard, Guard
from guardrails.settings import settings


class WholeGuard(AsyncGuard):
    """An AsyncGuard that hands on the end of a stream, too.

    Guardrails tells its validators that an awaited stream has gone on, and never that it has
    ended: what is left then, after the last full stop, is lost. Here it is validated on its own
    and handed on last.
    """

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        found = await super().__call__(*args, **kwargs)
        if hasattr(found, "__aiter__"):
            return self._to_its_end(found, kwargs.get("metadata") or {})
        return found

    async def _to_its_end(self, stream: Any, metadata: dict[str, Any]) -> AsyncIterator[Any]:
        holding: list[Any] = [v for v in self._validators if hasattr(v, "left")]
        for validator in holding:
            validator.left = ""
        async for outcome in stream:
            yield outcome
        left = max((validator.left for validator in holding), key=len, default="")
        if left:
            yield await self.validate(left, metadata=metadata)


def guard(*validators: Any, **options: Any) -> Any:
    """A Guard with *validators* on its output and without Guardrails' own telemetry.

    *options* go to the Guard. Make one for each stream: while one is under way, a Guard's
    validators hold what of it has not been handed on.
    """
    return _made(Guard, validators, options)


def aguard(*validators: Any, **options: Any) -> Any:
    """Do what `guard` does, awaited: an AsyncGuard, which holds streams back whatever is to be
    done on failing, and hands on a stream to its end.
    """
    return _made(WholeGuard, validators, options)


def _made(kind: Any, validators: tuple[Any, ...], options: dict[str, Any]) -> Any:
    with unreported():
        made = kind(**options)
        made.configure(allow_metrics_collection=False)
        return made.use(*validators)


@contextmanager
def unreported() -> Iterator[None]:
    """Keep what is constructed within from starting telemetry; the user's setting stays."""
    before = settings.rc.enable_metrics
    settings.rc.enable_metrics = False
    try:
        yield
    finally:
        settings.rc.enable_metrics = before
