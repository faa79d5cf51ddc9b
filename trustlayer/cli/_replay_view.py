"""A replay as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table

_SHARES = {
    "hallucinated_before": "hallucinated, the weakest model's answers",
    "hallucinated_after": "hallucinated, the delivered answers",
    "fall": "fall, relative",
    "delivered": "delivered",
    "spoiled": "clean answers that ended worse",
    "held": "  of these not delivered",
    "repaired": "hallucinated answers that ended clean",
}


def view(found: Mapping[str, Any]) -> Iterator[RenderableType]:
    """The tables of a replay's document."""
    ladder = " → ".join("/".join(rung) for rung in found["ladder"])
    yield f"{found['questions']} questions ({found['left_out']} left out), {ladder}"
    yield _shares(found)
    yield _models(found)
    yield _prices(found)


def _shares(found: Mapping[str, Any]) -> Table:
    table = Table("", "share", "95 % interval", box=None)
    for name, title in _SHARES.items():
        low, high = found["intervals"][name]
        table.add_row(title, _share(found[name]), f"{_share(low)} – {_share(high)}")  # noqa: RUF001
    return table


def _models(found: Mapping[str, Any]) -> Table:
    table = Table("model", "calls", "tokens in", "tokens out", "US $", "delivered", box=None)
    for name, use in found["by_model"].items():
        counts = (use["calls"], use["tokens_in"], use["tokens_out"])
        table.add_row(name, *map(str, counts), f"{use['price']:.4f}", str(use["delivered"]))
    return table


def _prices(found: Mapping[str, Any]) -> Table:
    table = Table("a question", "US $ a thousand", "hallucinated", box=None)
    curves = found["curves"]
    table.add_row("the loop", _dollars(found["price"]), _share(found["hallucinated_after"]))
    for name, point in curves["alone"].items():
        table.add_row(f"always {name}", _dollars(point["price"]), _share(point["hallucinated"]))
    oracle = curves["oracle"]
    table.add_row("an oracle", _dollars(oracle["price"]), _share(oracle["hallucinated"]))
    for name, title in (("over_coin", "a coin's"), ("over_chance", "chance at our rates")):
        lead = curves[name]
        least, mean = (f"{100 * lead[part]:+.1f} points" for part in ("least", "mean"))
        table.add_row(f"lead over {title}", f"least {least}", f"mean {mean}")
    return table


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _dollars(price: float) -> str:
    return f"{1000 * price:.3f}"
