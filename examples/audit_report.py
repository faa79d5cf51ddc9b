"""Every outcome in SQL: record some, report on them, look one up."""

import tempfile
from pathlib import Path

from trustlayer import Exchange, Verifier, load
from trustlayer.audit import AuditStore, reports

PASSAGE = ("The museum is open from May to September and had 12,400 visitors in 2019.",)
ANSWERS = (
    "The museum is open from May to September.",
    "The museum had 12,400 visitors in 2019.",
    "The museum had 48,000 visitors in 2021.",
)

with (
    tempfile.TemporaryDirectory() as folder,
    AuditStore.create(f"sqlite:///{Path(folder, 'audit.db')}") as store,
):
    verifier = Verifier([load("figures")], store=store)
    outcomes = verifier.settle_all([Exchange("Tell me of it.", a, PASSAGE) for a in ANSWERS])

    for row in reports.by_action(store):
        print(f"{row.action}: {row.outcomes} outcomes")

    doubted = store.outcome(outcomes[-1].id)  # as it was recorded
    assert doubted.best is not None
    print("doubted:", doubted.best.exchange.answer)
    for name, finding in doubted.best.findings.items():
        print(f"  {name} {finding.risk:.2f}:", *(e.reason for e in finding.evidence))
