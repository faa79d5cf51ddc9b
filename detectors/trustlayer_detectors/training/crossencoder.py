"""The small cross-encoder: one reading of a claim beside its evidence, two outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface, AutoModel
from transformers.masking_utils import AttentionMaskInterface, eager_mask

CLS, SEP = 101, 102
ENTAIL, NEUTRAL, CONTRADICT = range(3)  # a target of 3 says only: not entailed

Ids = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A claim and its evidence in word pieces; *tokens* marks what is unsupported, if known."""

    claim: Ids
    evidence: Ids
    target: int
    question: Ids | None = None
    tokens: npt.NDArray[np.float32] | None = None
    weight: float = 1.0

    def __len__(self) -> int:
        asked = 0 if self.question is None else len(self.question) + 1
        return len(self.claim) + len(self.evidence) + asked + 3


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attend without leaving bfloat16: transformers' eager one goes to float32 and back.

    One and a half times as fast on a CPU at 200 tokens; the same gradients within rounding.
    """
    batch, heads, length, width = query.shape
    with torch.autocast(query.device.type, enabled=False):
        bias = query.new_zeros((batch, heads, 1, length))
        if attention_mask is not None:  # there is none where nothing is padded
            bias = bias + attention_mask[:, :, :1].to(query.dtype)
        flat = [part.reshape(batch * heads, length, width) for part in (query, key, value)]
        likeness = torch.baddbmm(
            bias.reshape(batch * heads, 1, length), flat[0], flat[1].transpose(1, 2), alpha=scaling
        )
        found = torch.bmm(torch.softmax(likeness, -1), flat[2])
    return found.view(batch, heads, length, width).transpose(1, 2).contiguous(), None


AttentionInterface.register("bfloat16", attention)
AttentionMaskInterface.register("bfloat16", eager_mask)


class CrossEncoder(nn.Module):
    """MiniLM with a head of three classes over the pair and one logit for each token.

    The claim comes first (token type 0), then question and evidence (type 1). The word
    embeddings stay as they are: that keeps rare words apart, and saves a tenth of the time.
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
        self.encoder.embeddings.word_embeddings.requires_grad_(False)
        width: int = self.encoder.config.hidden_size
        self.pair = nn.Linear(2 * width, 3)
        self.token = nn.Linear(width, 1)

    def attend(self, kind: str) -> None:
        """Attend as named: "bfloat16" to learn, "eager" to export."""
        self.encoder.config._attn_implementation = kind

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor
    ) -> tuple[Tensor, Tensor]:
        hidden: Tensor = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        )[0]
        claim = ((1 - token_type_ids) * attention_mask).unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * claim).sum(1) / claim.sum(1)
        logits = self.pair(torch.cat([hidden[:, 0], mean], dim=-1))
        return logits, self.token(hidden).squeeze(-1)


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded tensors of some pairs."""

    input_ids: Tensor
    attention_mask: Tensor
    token_type_ids: Tensor
    target: Tensor
    weight: Tensor
    tokens: Tensor
    known: Tensor


def collate(pairs: Sequence[Pair], where: torch.device) -> Batch:
    """Pad *pairs*; `known` is 1 on the claim's tokens of rows that carry token labels."""
    # Few distinct shapes: oneDNN compiles and keeps kernels for each.
    shape = (len(pairs), -(-max(len(pair) for pair in pairs) // 16) * 16)
    ids, mask, types = (np.zeros(shape, np.int64) for _ in range(3))
    tokens, known = (np.zeros(shape, np.float32) for _ in range(2))
    for row, pair in enumerate(pairs):
        joined = joined_ids(pair)
        inside = slice(1, len(pair.claim) + 1)
        ids[row, : len(joined)], mask[row, : len(joined)] = joined, 1
        types[row, len(pair.claim) + 2 : len(joined)] = 1
        if pair.tokens is not None:
            tokens[row, inside], known[row, inside] = pair.tokens, 1
    target = np.array([pair.target for pair in pairs])
    weight = np.array([pair.weight for pair in pairs], np.float32)
    arrays = (ids, mask, types, target, weight, tokens, known)
    return Batch(*(torch.from_numpy(array).to(where) for array in arrays))


def joined_ids(pair: Pair) -> Ids:
    """Return `[CLS] claim [SEP] (question [SEP]) evidence [SEP]`."""
    asked = [] if pair.question is None else [pair.question, [SEP]]
    return np.concatenate([[CLS], pair.claim, [SEP], *asked, pair.evidence, [SEP]]).astype(np.int32)


def loss(model: CrossEncoder, batch: Batch, token_weight: float = 0.5) -> Tensor:
    """Return the cross-entropy of pairs and of tokens.

    Where only "not entailed" is known, the two other classes are summed over.
    """
    logits, tokens = model(batch.input_ids, batch.attention_mask, batch.token_type_ids)
    logs = functional.log_softmax(logits.float(), dim=-1)
    either = torch.logsumexp(logs[:, 1:], dim=-1, keepdim=True)
    picked = torch.cat([logs, either], dim=-1).gather(1, batch.target.unsqueeze(1)).squeeze(1)
    pair_loss = -(picked * batch.weight).sum() / batch.weight.sum()
    weights = batch.known * batch.weight.unsqueeze(1) * (1 + 2 * batch.tokens)
    each = functional.binary_cross_entropy_with_logits(tokens.float(), batch.tokens, weights)
    share = weights.mean().clamp(min=1e-6)
    return pair_loss + token_weight * each / share * batch.known.amax(1).mean()
