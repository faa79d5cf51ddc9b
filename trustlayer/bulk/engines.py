"""Engines by name: processes of this machine, or what an installed package offers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import cast

from trustlayer.bulk.pool import Pool, cores
from trustlayer.bulk.recipes import Recipe
from trustlayer.bulk.run import Engine
from trustlayer.errors import MissingExtra

GROUP = "trustlayer.engines"
LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Order:
    """What an engine is to examine with, and where.

    *workers* None means as many as there is room for; *address* is that of a cluster.
    """

    recipes: tuple[Recipe, ...]
    timeout: float | None = None
    workers: int | None = None
    address: str | None = None


def engine(name: str, order: Order) -> Engine:
    """The engine of that *name*; raises MissingExtra where its package is not installed."""
    if name == LOCAL:
        return Pool(order.recipes, order.timeout, order.workers or cores())
    for entry in entry_points(group=GROUP, name=name):
        try:
            make = cast("Callable[[Order], Engine]", entry.load())
        except ImportError as error:
            raise _missing(name) from error
        return make(order)
    raise _missing(name)


def _missing(name: str) -> MissingExtra:
    error = MissingExtra(f"the engine {name!r} is not installed")
    error.add_note(f'install it: pip install "trustlayer[{name}]"')
    return error
