"""Uncertainty: knowing when the model does not know, with or without a context.

Estimators are plain functions over arrays (`answers`, `groups`, `entropy`, `graph`,
`dispersion`, `repetition`, `tokens`); `signals` gathers what an exchange offers, `fusion`
makes one probability of it, and `detectors` are what a `Verifier` takes.
"""

from trustlayer_detectors.uncertainty.asked import AskedConfidence, AskedTruth
from trustlayer_detectors.uncertainty.causal import CausalModel
from trustlayer_detectors.uncertainty.detectors import (
    Agreement,
    Confidence,
    SelfCheck,
    SemanticEntropy,
    Uncertainty,
)
from trustlayer_detectors.uncertainty.forecast import Forecast
from trustlayer_detectors.uncertainty.models import Models, SentenceEncoder

__all__ = [
    "Agreement",
    "AskedConfidence",
    "AskedTruth",
    "CausalModel",
    "Confidence",
    "Forecast",
    "Models",
    "SelfCheck",
    "SemanticEntropy",
    "SentenceEncoder",
    "Uncertainty",
]
