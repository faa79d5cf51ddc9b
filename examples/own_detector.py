"""A detector of your own: a function from an exchange to a finding."""

import re

from trustlayer import Evidence, Exchange, Finding, Span, Verifier, detector

HEDGES = re.compile(r"\b(perhaps|possibly|I think|as far as I know)\b", re.IGNORECASE)


@detector
def hedging(exchange: Exchange) -> Finding:
    """Doubt answers that dodge the question."""
    spans = [Span(*match.span()) for match in HEDGES.finditer(exchange.answer)]
    return Finding(min(1.0, len(spans) / 2), tuple(Evidence("hedged", span) for span in spans))


# In a package of your own, this makes it known everywhere as load("hedging"):
#
#     [project.entry-points."trustlayer.detectors"]
#     hedging = "your_package:hedging"

answer = "Perhaps it is 43 metres, as far as I know."
verdict = Verifier([hedging]).verify(Exchange("How tall is the tower?", answer))

print(verdict.action, f"at a risk of {verdict.risk:.2f}")
for evidence in verdict.findings["hedging"].evidence:
    print(f"  {evidence.reason}: {evidence.span.of(answer) if evidence.span else 'all of it'}")
