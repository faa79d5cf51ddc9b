"""The examples run, each alone, in a folder of its own, and say what they promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
TOLD = {
    "quickstart.py": ["revise", "47 metres is not in the context", "handed out: The tower is 43"],
    "langchain_rag.py": ["accepted after 2 attempts: A ticket costs 120", "refused  after 2"],
    "langchain_agent.py": ["held: {'figures':", "answered: The tower is 43 metres tall."],
    "audit_report.py": ["accept: 2 outcomes", "hold: 1 outcomes", "doubted: The museum had 48,000"],
    "own_detector.py": ["hold at a risk of 1.00", "hedged: as far as I know"],
    "streaming.py": ["shown: It has 186 steps.", "revise: It is 43 metres tall. It has 250"],
    "certified_policy.py": ["accept: Short and safe.", "hold: A long answer", "void: the certif"],
    "configuration.py": ["refuse ['figures', 'quotations']", "Did you mean 'revisions'?"],
    "vault.py": ["Write to anna.smith@example.org, she is 44.", "rejected before: [EMAIL_2]"],
    "bulk.py": ["left out: monday.jsonl, line 81", "80 answers examined, 1 rows", "twice: 0"],
    "async_batch.py": ["(small: accept)", "31 metres tall.  (small: revise > small: escalate"],
}
NEEDS = {"langchain_agent.py": "langchain"}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_example(path: Path, tmp_path: Path) -> None:
    if (extra := NEEDS.get(path.name)) is not None:
        pytest.importorskip(extra, reason=f"needs the extra {extra}")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for told in TOLD[path.name]:
        assert told in done.stdout
    assert list(tmp_path.iterdir()) == []  # nothing is left behind
