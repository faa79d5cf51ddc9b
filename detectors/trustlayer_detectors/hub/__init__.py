"""Any Hugging Face model as a detector (extra ``models``)."""

from trustlayer_detectors.hub.detector import TransformersDetector
from trustlayer_detectors.hub.heads import Guard, Head, Pair, Text, Tokens

__all__ = ["Guard", "Head", "Pair", "Text", "Tokens", "TransformersDetector"]
