"""Small drawings that fit any width: shapes in per cent of it, text in its own size.

Colours and strokes come from classes of the stylesheet, never from attributes, so that light,
dark and print have their own, and a page that forbids inline styles shows them as well. What a
shape means, its title says. All text is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

Children = Sequence[Markup]


def element(name: str, *children: Markup | str, **attributes: object) -> Markup:
    """An element; ``kind`` stands for its class, an underscore for a hyphen."""
    written = "".join(
        f' {"class" if key == "kind" else key.replace("_", "-")}="{escape(_plain(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(str(escape(child)) for child in children)
    return Markup(f"<{name}{written}>{inside}</{name}>")  # every part is escaped


def drawing(label: str, height: int, *shapes: Markup, kind: str = "chart") -> Markup:
    """The picture of *shapes*, *height* high in pixels, and what to tell those who see none."""
    return element(
        "svg", *shapes, kind=kind, width="100%", height=height, role="img", aria_label=label
    )


def share(value: float) -> str:
    """A place, as a share of the width."""
    return f"{100 * value:.3f}%"


def titled(shape: str, title: str, **attributes: object) -> Markup:
    """A shape that tells what it means when pointed at."""
    return element(shape, element("title", title), **attributes)


@dataclass(frozen=True, slots=True)
class Axis:
    """From a value to its place in [0, 1]; *logarithmic* for what spans orders of magnitude."""

    low: float
    high: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = (math.log10(max(v, 1e-12)) for v in (low, high, value))
        if high <= low:
            return 0.0
        return min(1.0, max(0.0, (value - low) / (high - low)))

    def ticks(self, most: int = 4) -> list[float]:
        """Round values within, *most* of them about."""
        if self.logarithmic:
            least, greatest = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            every = max(1, math.ceil((greatest - least + 1) / (most + 2)))
            powers = range(least - 1, greatest + 1, every)
            steps = (1, 2, 5) if greatest - least < 2 else (1,)
            ticks = [step * 10.0**power for power in powers for step in steps]
            return [tick for tick in ticks if self.low <= tick <= self.high * (1 + 1e-9)]
        step = nice((self.high - self.low) / most)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def nice(step: float) -> float:
    """The next of 1, 2, 5, 10, … that is no smaller than *step*."""
    if step <= 0.0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(step))
    return next((m * size for m in (1, 2, 5, 10) if m * size >= step * (1 - 1e-9)), 10 * size)


def _plain(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
