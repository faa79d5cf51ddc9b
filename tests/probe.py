"""Whether an extra is there: `python tests/probe.py EXTRA...` in an environment of its own.

What belongs to the extras that are named has to work; what belongs to any other one has to
work, too, or to say which extra it needs. Prints a line for each, and exits with 1 if one fails.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # nothing is fetched

PARTS = {
    "models": "from trustlayer import Exchange\n"
    "from trustlayer_detectors.hub import Text, TransformersDetector\n"
    "made = TransformersDetector(model='nowhere', head=Text(unsound='bad'))\n"
    "made.examine([Exchange('?', 'So.')])",
    "guardrails": "import trustlayer_guardrails, guardrails_ai.trustlayer",
    "langchain": "import trustlayer_langchain.agents",
    "litellm": "from trustlayer_litellm import _guardrail\n_guardrail()",
    "otel": "from trustlayer_opentelemetry import Telemetry\nTelemetry().record()",
    "openai": "from trustlayer_langchain.demo.endpoint import clouds\nclouds()",
    "postgres": "from trustlayer.audit import AuditStore\n"
    "AuditStore.open('postgresql+psycopg://nobody@127.0.0.1:9/none')",
    "parquet": "from trustlayer.bulk.parquet import _parquet\n_parquet()",
    "ray": "from trustlayer.bulk.engines import Order, engine\nengine('ray', Order(()))",
    "web": "from trustlayer.web import application",
    "crypto": "from trustlayer.audit.sealing import _cipher\n_cipher(b'0' * 32)",
    "presidio": "import trustlayer.privacy.presidio as it\nit._analyser()",
    "train": "from trustlayer.cli._plots import _figure\n_figure()",
}
BARE = """
from langchain_core.runnables import RunnableLambda
from trustlayer import Exchange, Verifier, available, load
from trustlayer.audit import AuditStore
from trustlayer_langchain import trusted
verifier = Verifier([load("figures"), load("grounding")], store=AuditStore.create("sqlite://"))
chain = trusted(RunnableLambda(lambda asked: "It is 43 m tall."), verifier,
                context=lambda asked: "The tower is 43 m tall.")
assert chain.invoke("How tall?").trust["accepted"]
"""


def told(error: BaseException | None) -> Iterator[str]:
    """The message and the notes of *error*, and of whatever led to it."""
    while error is not None:
        yield from [str(error), *getattr(error, "__notes__", [])]
        error = error.__cause__


def complaint(program: str) -> str | None:
    """What *program* says of a missing extra; None when it misses none."""
    try:
        exec(program, {"__name__": "__main__"})
    except (SystemExit, Exception):
        text = " | ".join(told(sys.exc_info()[1]))
        return text if "trustlayer[" in text or "No module named" in text else None
    return None


def main(extras: list[str]) -> int:
    exec(BARE, {"__name__": "__main__"})
    bad = 0
    for extra, program in PARTS.items():
        text = complaint(program)
        named = text is not None and f"trustlayer[{extra}]" in text
        good = text is None if extra in extras else text is None or named
        bad += not good
        standing = "works" if text is None else f"names trustlayer[{extra}]" if named else text
        print("ok  " if good else "BAD ", extra, "-", standing)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
