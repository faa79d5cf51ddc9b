"""What people said and did of an outcome after it was recorded, for a terminal and as an object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from trustlayer.audit.samples import Frame
from trustlayer.cli._terminal import visible

if TYPE_CHECKING:
    from trustlayer.audit.draws import Draw
    from trustlayer.audit.labels import Label
    from trustlayer.audit.stories import Story


def afterwards(story: Story) -> Iterator[Text]:
    """Where it hangs, then draws, labels and the decision, each on a line."""
    place = story.place
    yield _line("recorded", f"{place.recorded:%Y-%m-%d %H:%M:%S %Z}, entry {place.sequence} of "
                f"chain {place.chain}, hash {place.hash[:16]}…")  # fmt: skip
    for draw in story.draws:
        yield _line("drawn", f"with probability {draw.propensity:.4g}, {_design(draw)}")
    for number, label in enumerate(story.labels, 1):
        yield _line("labelled", _said(label, last=number == _last(story, label)))
    if (decided := story.decision) is not None:
        why = f": {decided.reason}" if decided.reason else ""
        yield _line("decided", f"{decided.choice.value} by {decided.who}{why}")


def story_object(story: Story) -> dict[str, object]:
    """The same as JSON knows it."""
    decided = story.decision
    return {
        "place": {
            "chain": story.place.chain,
            "sequence": story.place.sequence,
            "recorded": story.place.recorded.isoformat(),
            "hash": story.place.hash,
        },
        "draws": [
            {"propensity": draw.propensity, "design": draw.design} for draw in story.draws
        ],
        "labels": [_label(label) for label in story.labels],
        "decision": None
        if decided is None
        else {"choice": decided.choice.value, "who": decided.who, "reason": decided.reason,
              "attempt": decided.attempt + 1, "answer": decided.answer},
    }  # fmt: skip


def _line(name: str, told: str) -> Text:
    return Text.assemble((f"{name}: ", "dim"), visible(told))


def _said(label: Label, *, last: bool) -> str:
    word = "bad" if label.bad else "good"
    why = f": {label.reason}" if label.reason else ""
    overruled = "" if last else " (overruled)"
    return f"attempt {label.attempt + 1} is {word}, says {label.who}{why}{overruled}"


def _last(story: Story, label: Label) -> int:
    # The number of the last word on the same answer.
    own = [n for n, one in enumerate(story.labels, 1) if one.attempt == label.attempt]
    return own[-1]


def _label(label: Label) -> dict[str, object]:
    spans = None if label.spans is None else [[s.start, s.end] for s in label.spans]
    return {
        "attempt": label.attempt + 1,
        "bad": label.bad,
        "who": label.who,
        "reason": label.reason,
        "spans": spans,
        "propensity": label.propensity,
    }


def _design(draw: Draw) -> str:
    frame = Frame.read(draw.design)
    if frame is None:
        return f"design {draw.design}"
    return f"one of {frame.asked} out of {frame.size} outcomes, by {frame.design.value}"
