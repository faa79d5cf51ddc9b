"""Plain functions as models: a wrong figure is found, and the model told to mend it."""

from trustlayer import Verifier, load

PASSAGE = "The tower of Skarvholm Light is 43 metres tall and was first lit in 1884."


def cloud(request: str) -> str:
    """Stands for a call of a cloud model: text in, text out."""
    if "Doubtful" in request:  # the second time it is told what was wrong
        return "The tower is 43 metres tall."
    return "The tower is 47 metres tall."


verifier = Verifier([load("figures"), load("quotations")], models=[cloud])
outcome = verifier.run("How tall is the tower?", [PASSAGE])

for attempt in outcome.attempts:
    assert attempt.verdict is not None
    print(f"{attempt.action:8} {attempt.verdict.exchange.answer}")
    for finding in attempt.verdict.findings.values():
        for evidence in finding.evidence:
            print(f"         {evidence.reason}")

print("handed out:", outcome.answer or "nothing: no answer can be trusted")
