"""The six packages that users have already are at work in our own code, each called by it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

for name in ("torch", "transformers", "sentence_transformers", "guardrails"):
    pytest.importorskip(name, reason="needs the extras models and guardrails")

SIX = (
    "guardrails",
    "langchain_core",
    "sentence_transformers",
    "sqlalchemy",
    "torch",
    "transformers",
)
PROGRAM = """
import json
import sys
from pathlib import Path

import transformers
from langchain_core.runnables import RunnableLambda

from tests.test_hub import ANSWERS, CONTEXT, EXCHANGES, _saved
from trustlayer import Exchange, Finding, Verifier, load
from trustlayer.audit import AuditStore
from trustlayer_detectors.hub import Pair, Text, TransformersDetector
from trustlayer_guardrails import Grounded, guard
from trustlayer_langchain import trusted

SIX = {six}
OURS = ("trustlayer", "trustlayer_detectors", "trustlayer_langchain", "trustlayer_guardrails")
called = {{name: set() for name in SIX}}
folder = Path(sys.argv[1])
text = _saved(folder, "BertForSequenceClassification", ["fine", "toxic"])
pair = _saved(folder, "BertForSequenceClassification", ["supported"])


def notice(frame, event, argument):
    if event != "call" or frame.f_back is None:
        return
    package = frame.f_globals.get("__name__", "").partition(".")[0]
    caller = frame.f_back.f_globals.get("__name__", "")
    if package in called and caller.partition(".")[0] in OURS:
        called[package].add(f"{{caller}} -> {{frame.f_code.co_qualname}}")


sys.setprofile(notice)
mine = TransformersDetector(model=text, head=Text(("toxic",)), name="mine", device="cpu")
support = TransformersDetector(model=pair, head=Pair(), name="support", device="cpu")
for made in (mine, support):
    assert all(isinstance(found, Finding) for found in made.examine(EXCHANGES))
with AuditStore.create("sqlite:///six.db") as store:
    verifier = Verifier([mine, load("figures")], store=store)
    chain = trusted(RunnableLambda(lambda asked: ANSWERS[0]), verifier, context=lambda _: CONTEXT)
    message = chain.invoke("how tall is it ?")
    assert store.outcome(str(message.trust["outcome_id"])).prompt == "how tall is it ?"
checked = guard(Grounded(detectors=["figures"], on_fail="noop"))
told = checked.validate("It is 47 metres tall.", metadata={{"context": CONTEXT}})
assert not told.validation_passed
sys.setprofile(None)
print(json.dumps({{name: sorted(found) for name, found in called.items()}}))
"""


def test_each_is_called_by_our_own_code(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM.format(six=SIX), str(tmp_path)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(root), "HF_HUB_OFFLINE": "1", "OTEL_SDK_DISABLED": "true",
             "LITELLM_LOCAL_MODEL_COST_MAP": "True", "TOKENIZERS_PARALLELISM": "false"},
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    called = json.loads(done.stdout.splitlines()[-1])
    assert {name: bool(found) for name, found in called.items()} == dict.fromkeys(SIX, True), called
