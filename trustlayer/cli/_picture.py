"""The curves of a replay as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trustlayer.curves import Curves, Point
from trustlayer.errors import MissingExtra
from trustlayer.rehearsal import FIGURES, Played


def draw(curves: Curves, played: Sequence[Played], path: Path) -> None:
    """Write quality at cost and risk at coverage to *path*; raises MissingExtra."""
    figure, (left, right) = _axes()
    _cost(left, curves)
    chosen = Point(FIGURES["price"](played), FIGURES["hallucinated_after"](played))
    left.plot([1000 * chosen.price], [100 * chosen.hallucinated], "o", label="this policy")
    left.legend(fontsize=8)
    _coverage(right, curves)
    figure.tight_layout()
    figure.savefig(path, dpi=150)


def _axes() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        missing = MissingExtra("a picture needs matplotlib, which is not installed")
        missing.add_note("pip install matplotlib")
        raise missing from error
    figure = Figure(figsize=(10, 4))
    return figure, figure.subplots(1, 2)


def _cost(axes: Any, curves: Curves) -> None:
    lines = (("the loop", curves.ours, "-"), ("coin", curves.coin, "--"))
    for name, points, style in (*lines, ("chance, our rates", curves.chance, ":")):
        axes.plot(*_columns(points), style, label=name)
    for name, point in {**curves.alone, "oracle": curves.oracle}.items():
        axes.plot(*_columns([point]), "x" if name != "oracle" else "*", label=name)
    axes.set_xlabel("US $ a thousand questions")
    axes.set_ylabel("hallucinated among delivered, %")


def _columns(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [1000 * p.price for p in points], [100 * p.hallucinated for p in points]


def _coverage(axes: Any, curves: Curves) -> None:
    shares = [100 * share for share, _ in curves.coverage]
    axes.plot(shares, [100 * bad for _, bad in curves.coverage], label="safest first")
    axes.axhline(100 * curves.coverage[-1][1], linestyle="--", label="by chance")
    axes.set_xlabel("share of the weakest model's answers accepted, %")
    axes.set_ylabel("hallucinated among accepted, %")
    axes.legend(fontsize=8)
