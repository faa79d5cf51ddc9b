"""From labelled answers to limits with a promise: at most one accepted answer in ten is bad."""

import random

from trustlayer import Certificate, Exchange, Policy, Verifier, detector
from trustlayer.calibration import Goal, Labelled, calibrate
from trustlayer.errors import VoidCertificate
from trustlayer.finding import Finding


@detector
def length(exchange: Exchange) -> Finding:
    """The longer, the likelier something in it is wrong."""
    return Finding(min(1.0, len(exchange.answer) / 200))


@detector
def other(exchange: Exchange) -> Finding:
    return Finding(0.0)


rng = random.Random(0)  # stands for people who have judged 600 answers
risks = [rng.random() ** 2 for _ in range(600)]
labels = [Labelled({"length": risk}, bad=rng.random() < risk) for risk in risks]

certificate = calibrate(labels, {"length": "0"}, Goal(risk=0.1, confidence=0.9))
bound = certificate.bound()
print(f"{bound.bad} of {bound.accepted} accepted are bad; {bound.coverage:.0%} are accepted")

kept = Certificate.from_json(certificate.to_json())  # as a file would keep it
verifier = Verifier([length], policy=Policy.certified(kept))
for answer in ("Short and safe.", "A long answer, " * 20):
    print(f"{verifier.verify(Exchange('?', answer)).action}: {answer[:15]}")

try:
    Verifier([length, other], policy=Policy.certified(kept)).verify(Exchange("?", "Short."))
except VoidCertificate as error:
    print(f"void: {error}")
