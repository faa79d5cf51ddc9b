"""trustlayer in Guardrails: validators that are registered once this is imported.

``guard(Grounded(on_fail="fix"))`` makes a Guard that sends no telemetry;
``as_detector(validator)`` makes a detector of any validator.
"""

from trustlayer_guardrails.detectors import as_detector
from trustlayer_guardrails.quiet import guard
from trustlayer_guardrails.validators import (
    CannotStream,
    Certain,
    Grounded,
    Harmless,
    NonToxic,
    Trusted,
)

__all__ = [
    "CannotStream",
    "Certain",
    "Grounded",
    "Harmless",
    "NonToxic",
    "Trusted",
    "as_detector",
    "guard",
]
