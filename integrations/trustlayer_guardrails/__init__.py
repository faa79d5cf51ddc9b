"""trustlayer in Guardrails: validators that are registered once this is imported.

``guard(Grounded(on_fail="fix"))`` makes a Guard that sends no telemetry,
``aguard(...)`` an awaited one that hands on streams to their end;
``as_detector(validator)`` makes a detector of any validator.
"""

try:
    import guardrails as _guardrails  # noqa: F401
except ImportError as error:
    error.add_note("the validators need an extra: pip install 'trustlayer[guardrails]'")
    raise

from trustlayer_guardrails.detectors import as_detector
from trustlayer_guardrails.quiet import aguard, guard
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
    "aguard",
    "as_detector",
    "guard",
]
