"""Guardrails reports its use over the network unless told not to: not on our account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from guardrails import Guard
from guardrails.settings import settings


def guard(*validators: Any, **options: Any) -> Any:
    """A Guard with *validators* on its output and without Guardrails' own telemetry.

    *options* go to the Guard. Make one for each stream: while one is under way, a Guard's
    validators hold what of it has not been handed on.
    """
    with unreported():
        made = Guard(**options)
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
