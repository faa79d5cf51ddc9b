"""trustlayer: small local models examine what a large one answers.

A `Verifier` has its `Detector`s examine an `Exchange`; each returns a `Finding`: a risk, and
the `Evidence` for it, by `Span`; a `Policy` turns the findings into an `Action`; the three
together are a `Verdict`; a run's attempts are its `Outcome`, which an audit store records.
"""

from trustlayer.budget import Budget
from trustlayer.certificate import Certificate
from trustlayer.errors import TrustlayerError
from trustlayer.exchange import Exchange, Span, Token
from trustlayer.finding import Detector, Evidence, Finding, Unexamined, detector
from trustlayer.gate import Gate
from trustlayer.model import Model, Price, Reply, Request
from trustlayer.outcome import Attempt, Outcome, Verdict
from trustlayer.policy import Action, Policy
from trustlayer.preflight import Preflight
from trustlayer.registry import available, load
from trustlayer.sampling import Sampling
from trustlayer.thrift import Thrift
from trustlayer.verifier import Store, Verifier

__version__ = "0.1.0"

__all__ = [
    "Action",
    "Attempt",
    "Budget",
    "Certificate",
    "Detector",
    "Evidence",
    "Exchange",
    "Finding",
    "Gate",
    "Model",
    "Outcome",
    "Policy",
    "Preflight",
    "Price",
    "Reply",
    "Request",
    "Sampling",
    "Span",
    "Store",
    "Thrift",
    "Token",
    "TrustlayerError",
    "Unexamined",
    "Verdict",
    "Verifier",
    "available",
    "detector",
    "load",
]
