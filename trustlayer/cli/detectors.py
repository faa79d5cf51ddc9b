"""``trustlayer detectors``: what is installed, and what each one needs."""

from __future__ import annotations

import inspect
import json
from dataclasses import asdict, dataclass

from rich.padding import Padding
from rich.text import Text

from trustlayer.cli._options import AsJson
from trustlayer.cli._terminal import err, examples, out, visible
from trustlayer.finding import Detector, FunctionDetector
from trustlayer.policy import DEFAULT_LIMIT
from trustlayer.registry import available, load
from trustlayer.runs import describe

EPILOG = examples(
    "trustlayer detectors",
    "trustlayer detectors --json | jq -r '.[].name'",
    codes="0 listed, also what does not load; 1 could not run; 2 wrong usage",
)


@dataclass(frozen=True, slots=True)
class Description:
    """One installed detector; *error* says why it does not load, if so."""

    name: str
    version: str | None = None
    needs: tuple[str, ...] = ()
    limit: float | None = None
    doc: str = ""
    error: str | None = None


def detectors(as_json: AsJson = False) -> None:
    """List the installed detectors, with the risk up to which each takes an answer as sound."""
    found = [description(name) for name in available()]
    if as_json:
        print(json.dumps([asdict(one) for one in found], indent=2))
        return
    for one in found:
        _show(one)
    if not found:
        err().print("no detector is installed; try: pip install --force-reinstall trustlayer")


def description(name: str) -> Description:
    """What there is to say of the detector of that *name*, whether it loads or not."""
    try:
        return _describe(name, load(name))
    except Exception as error:  # of a third party's package: it must not hide the others
        return Description(name, error=" ".join(describe(error).split()))


def _describe(name: str, made: Detector) -> Description:
    limit = getattr(made, "limit", None)
    return Description(
        name,
        version=str(getattr(made, "version", "0")),
        needs=tuple(getattr(made, "needs", ())),
        limit=DEFAULT_LIMIT if limit is None else float(limit),
        doc=_doc(made),
    )


def _doc(detector: Detector) -> str:
    subject = detector.function if isinstance(detector, FunctionDetector) else type(detector)
    text = inspect.getdoc(subject) or ""
    return " ".join(text.partition("\n\n")[0].split())


def _show(one: Description) -> None:
    if one.error is not None:
        line = Text.assemble((visible(one.name), "bold red"), "  does not load")
        detail = visible(one.error)
    else:
        needs = f"  needs {', '.join(one.needs).replace('|', ' or ')}" if one.needs else ""
        told = f"  {one.version}  limit {one.limit:.3g}{needs}"
        line = Text.assemble((visible(one.name), "bold"), (visible(told), "dim"))
        detail = visible(one.doc)
    out().print(line)
    if detail:
        out().print(Padding(Text(detail), (0, 0, 0, 2)))
