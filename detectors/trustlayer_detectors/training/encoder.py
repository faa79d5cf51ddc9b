"""Makes weights/encoder: the sentence encoder, its tokenizer and the rarity of word pieces.

    python -m trustlayer_detectors.training.encoder --data ../shared/data
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn
from transformers import AutoModel


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
