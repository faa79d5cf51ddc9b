"""What the files of grounding's weights look like."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from trustlayer_detectors.grounding_calibration import Calibration

OUTPUTS = ("pair", "token")
TOKENS = 4_096  # in one batch, padding included
CARD = {
    "name": "entailment",
    "version": "3",
    "made_by": "trustlayer train grounding",
    "origin": "sentence-transformers/all-MiniLM-L6-v2 (22.6M parameters), Apache-2.0",
    "format": "ONNX opset 17; weights int8 by output channel, activations quantised at run time",
    "inputs": ["input_ids", "attention_mask", "token_type_ids"],
    "outputs": {
        "pair": "(batch, 3), logits of entail, neutral, contradict",
        "token": "(batch, length), logit of: this word piece of the claim is unsupported",
    },
    "layout": "[CLS] claim [SEP] (question or sentence before [SEP]) evidence [SEP]",
}


def write(found: Calibration, folder: Path) -> None:
    """Write calibration.json to *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(found), indent=2)
    (folder / "calibration.json").write_text(text + "\n", encoding="utf-8")
