"""The bundled models, on onnxruntime, tokenizers and numpy alone; all that knows ONNX."""

from trustlayer_detectors._models.encoder import Encoded, encode, pooled
from trustlayer_detectors._models.entailment import entailment
from trustlayer_detectors._models.sessions import card, weights

__all__ = ["Encoded", "card", "encode", "entailment", "pooled", "weights"]
