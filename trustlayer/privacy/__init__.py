"""Personal data and secrets in texts: where they are, and texts without them."""

from trustlayer.privacy.recognised import Recognised, Recogniser, recognise, redact
from trustlayer.privacy.registry import BUILT_IN, available, load

__all__ = ["BUILT_IN", "Recognised", "Recogniser", "available", "load", "recognise", "redact"]
