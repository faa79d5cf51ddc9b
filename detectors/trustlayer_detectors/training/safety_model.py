"""One encoder with a head for each kind of trouble, each able to point at its reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel

from trustlayer_detectors.training import crossencoder as crossencoder  # registers "bfloat16"

LABELS = (
    "toxicity",
    "insult",
    "identity_hate",
    "obscene",
    "threat",
    "sexual",
    "harmful_compliance",
    "refusal",
    "injection",
)
CLS, SEP = 101, 102


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A text, perhaps with the prompt before it, in word pieces; NaN labels are not known."""

    text: npt.NDArray[np.int32]
    labels: npt.NDArray[np.float32]
    dataset: str
    prompt: npt.NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.text) + 2 + (0 if self.prompt is None else len(self.prompt) + 1)


class SafetyModel(nn.Module):
    """MiniLM whose logits are sums over the text's tokens (attention pooling, a head a label).

    `[CLS] text [SEP]` (type 0), then `prompt [SEP]` (type 1) where there is one. The logit of
    a label is the sum of `shares` over tokens plus a bias, so a share is what a token adds
    to it: localisation comes with the answer, without a second pass (arXiv 1802.04712).
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(
            path,
            attn_implementation="eager",
            local_files_only=True,
            add_pooling_layer=False,
            hidden_dropout_prob=0.0,  # one pass over the data: dropout only costs time
            attention_probs_dropout_prob=0.0,
        )
        # Half of all parameters, and tuned well enough: frozen they cost no time.
        self.encoder.embeddings.requires_grad_(False)
        width: int = self.encoder.config.hidden_size
        self.attend = nn.Linear(width, len(LABELS), bias=False)
        self.say = nn.Linear(width, len(LABELS), bias=False)
        self.bias = nn.Parameter(torch.zeros(len(LABELS)))
        nn.init.zeros_(self.attend.weight)

    def use(self, attention: str) -> None:
        """Attend as named: "bfloat16" to learn, "eager" to export."""
        self.encoder.config._attn_implementation = attention

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor
    ) -> tuple[Tensor, Tensor]:
        hidden: Tensor = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        )[0]
        text = (attention_mask * (1 - token_type_ids)).unsqueeze(-1).to(hidden.dtype)
        focus = self.attend(hidden) - 1e4 * (1 - text)
        shares = torch.softmax(focus, dim=1) * self.say(hidden)
        return shares.sum(1) + self.bias, shares


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded tensors of some examples; *known* is 0 where *labels* say nothing."""

    input_ids: Tensor
    attention_mask: Tensor
    token_type_ids: Tensor
    labels: Tensor
    known: Tensor


def collate(examples: Sequence[Example], where: torch.device) -> Batch:
    """Pad *examples* to the longest of them."""
    shape = (len(examples), max(len(example) for example in examples))
    ids, mask, types = (np.zeros(shape, np.int64) for _ in range(3))
    for row, example in enumerate(examples):
        prompt = [] if example.prompt is None else [example.prompt, [SEP]]
        joined = np.concatenate([[CLS], example.text, [SEP], *prompt])
        ids[row, : len(joined)], mask[row, : len(joined)] = joined, 1
        types[row, len(example.text) + 2 : len(joined)] = 1
    labels = np.stack([example.labels for example in examples])
    known = np.isfinite(labels)
    arrays = (ids, mask, types, np.where(known, labels, 0), known.astype(np.float32))
    return Batch(*(torch.from_numpy(array).to(where) for array in arrays))


def masked_loss(model: SafetyModel, batch: Batch, weights: Tensor) -> Tensor:
    """Return the cross-entropy over what is known, labels weighed by *weights*."""
    logits, _ = model(batch.input_ids, batch.attention_mask, batch.token_type_ids)
    known = batch.known * weights
    each = functional.binary_cross_entropy_with_logits(
        logits.float(), batch.labels.float(), known, reduction="sum"
    )
    return each / batch.known.sum().clamp(min=1.0)


@torch.inference_mode()
def logits_of(
    model: SafetyModel, examples: Sequence[Example], where: torch.device, tokens: int = 4096
) -> npt.NDArray[np.float32]:
    """Return the logits of *examples*, in their order."""
    order = sorted(range(len(examples)), key=lambda row: len(examples[row]))
    found = np.zeros((len(examples), len(LABELS)), np.float32)
    start = 0
    while start < len(order):
        stop = start + max(1, tokens // len(examples[order[start]]) // 2)
        rows = order[start:stop]
        batch = collate([examples[row] for row in rows], where)
        inputs = (batch.input_ids, batch.attention_mask, batch.token_type_ids)
        found[rows] = model(*inputs)[0].float().cpu().numpy()
        start = stop
    return found
