"""Verdicts as people read them: the answer with its doubtful spans underlined, the reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from trustlayer.cli._terminal import visible
from trustlayer.exchange import Span
from trustlayer.finding import Evidence, Finding
from trustlayer.outcome import Verdict
from trustlayer.policy import DEFAULT_LIMIT, Action

STYLES = {
    Action.ACCEPT: "bold green",
    Action.REVISE: "bold cyan",
    Action.ESCALATE: "bold cyan",
    Action.HOLD: "bold yellow",
    Action.REFUSE: "bold red",
}
MEANINGS = {
    Action.ACCEPT: "accepted",
    Action.REVISE: "to be revised",
    Action.ESCALATE: "the next model is asked",
    Action.HOLD: "held for a person",
    Action.REFUSE: "refused",
}
DOUBTED, NOTED = "underline bold red", "underline yellow"
MAX_REASONS = 20  # of one detector
MAX_QUOTED = 80  # characters

Limits = Mapping[str, float | None]


def verdict_view(verdict: Verdict, limits: Limits, *, brief: bool = False) -> RenderableType:
    """The answer, and beneath it what every detector said; *limits* by detector.

    The *brief* view leaves out the detectors that had no objection.
    """
    answer = marked(verdict.exchange.answer, _doubts(verdict, limits))
    title = f"{MEANINGS[verdict.action]}, risk {verdict.risk:.2f}"
    panel = Panel(
        answer if answer.plain else Text("(empty)", style="dim"),
        title=Text(title, style=STYLES[verdict.action]),
        title_align="left",
        border_style=STYLES[verdict.action].removeprefix("bold "),
    )
    return Group(panel, *_findings(verdict, limits, brief))


def marked(answer: str, doubts: Iterable[tuple[Span, str]]) -> Text:
    """The *answer* with styles on spans of it, and nothing that a terminal would act upon."""
    found = list(doubts)
    places = _places(answer, found)
    text = Text("".join(visible(answer[a:b]) for a, b in pairwise(sorted(places))))
    for span, style in found:
        text.stylize(style, places[span.start], places[span.end])
    return text


def _places(answer: str, doubts: Iterable[tuple[Span, str]]) -> dict[int, int]:
    # Where characters are spelled out, what follows moves to the right.
    ends = {0, len(answer)}
    for span, _ in doubts:
        ends |= {span.start, span.end}
    places = {0: 0}
    for start, end in pairwise(sorted(ends)):
        places[end] = places[start] + len(visible(answer[start:end]))
    return places


def _doubts(verdict: Verdict, limits: Limits) -> Iterator[tuple[Span, str]]:
    length = len(verdict.exchange.answer)
    for name, finding in sorted(verdict.findings.items(), key=lambda item: item[1].risk):
        style = DOUBTED if _exceeds(name, finding, limits) else NOTED
        for evidence in finding.evidence:
            if evidence.span is not None and evidence.span.end <= length:
                yield evidence.span, style


def _findings(verdict: Verdict, limits: Limits, brief: bool) -> Iterator[RenderableType]:
    for failure in verdict.unexamined:
        name, reason = visible(failure.detector), visible(failure.reason)
        yield _indented(Text.assemble(("unexamined ", "bold yellow"), f"{name}: {reason}"), 1)
    for name, finding in sorted(verdict.findings.items(), key=lambda item: -item[1].risk):
        over = _exceeds(name, finding, limits)
        if brief and not over:
            continue
        word = Text("doubted    " if over else "sound      ", "bold red" if over else "green")
        limit = f"{'above' if over else 'within'} its limit {_limit(name, limits):.2f}"
        told = f"{visible(name)} {finding.risk:.2f}, {limit}"
        yield _indented(Text.assemble(word, told), 1)
        yield from _reasons(finding, verdict.exchange.answer)


def _reasons(finding: Finding, answer: str) -> Iterator[RenderableType]:
    for evidence in finding.evidence[:MAX_REASONS]:
        yield _indented(_reason(evidence, answer), 12)
    if (left := len(finding.evidence) - MAX_REASONS) > 0:
        yield _indented(Text(f"and {left} more", style="dim"), 12)


def _reason(evidence: Evidence, answer: str) -> Text:
    if evidence.span is None or not (quoted := evidence.span.of(answer)):
        return Text(visible(evidence.reason))
    if len(quoted) > MAX_QUOTED:
        quoted = f"{quoted[: MAX_QUOTED // 2]} ... {quoted[-MAX_QUOTED // 2 :]}"
    mark = "" if quoted.startswith(('"', "\u201c")) else '"'
    return Text.assemble(mark, (visible(quoted), "italic"), f"{mark}: {visible(evidence.reason)}")


def _exceeds(name: str, finding: Finding, limits: Limits) -> bool:
    return finding.risk > _limit(name, limits)


def _limit(name: str, limits: Limits) -> float:
    limit = limits.get(name)
    return DEFAULT_LIMIT if limit is None else limit


def _indented(text: Text, columns: int) -> Padding:
    return Padding(text, (0, 0, 0, columns))
