"""What a model is shown: texts laid out, cut into windows that it can read, and encoded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from trustlayer import Exchange
from trustlayer.errors import BrokenDetector
from trustlayer_detectors.hub.loading import Loaded

SPECIAL = 8  # tokens that a pair may cost beyond its two texts
LEAST_WINDOW = 32  # tokens of context below which a window is worth nothing


def laid_out(template: str, exchange: Exchange, context: str | None = None) -> str:
    """Put the exchange's texts in the place of {prompt}, {answer} and {context}."""
    parts = {"prompt": exchange.prompt, "answer": exchange.answer}
    parts["context"] = "\n\n".join(exchange.context) if context is None else context
    # One pass, and not str.format: braces within the texts mean nothing.
    return re.sub(r"\{(prompt|answer|context)\}", lambda m: parts[m[1]], template)


def room(loaded: Loaded, exchange: Exchange, template: str = "") -> int:
    """How many tokens are left for the context beside the answer; negative is too long."""
    frame = laid_out(template, exchange, context="") + exchange.answer
    return longest(loaded) - SPECIAL - len(_offsets(loaded, frame))


def windows(loaded: Loaded, template: str, exchange: Exchange) -> list[str]:
    """The template filled in with the context, once for each window of it that can be read."""
    context = "\n\n".join(exchange.context)
    size = max(LEAST_WINDOW, room(loaded, exchange, template))
    offsets = _offsets(loaded, context)
    step = max(1, size - size // 4)  # they overlap, so that no sentence is cut in all of them
    starts = range(0, max(1, len(offsets) - size // 4), step)
    cut = [offsets[start : start + size] for start in starts]
    texts = [context[part[0][0] : part[-1][1]] for part in cut if part] or [context]
    return [laid_out(template, exchange, text) for text in texts]


def columns(loaded: Loaded, labels: Sequence[str]) -> list[tuple[str, int]]:
    """Where the labels of these names stand; raises BrokenDetector for one unknown."""
    known: dict[str, int] = dict(loaded.config.label2id)
    missing = [label for label in labels if label not in known]
    if missing or not labels:
        has = ", ".join(sorted(known, key=lambda label: known[label]))
        raise BrokenDetector(f"the model has no label {missing or 'to be named'}; it has: {has}")
    return [(label, int(known[label])) for label in labels]


def single_token(loaded: Loaded, word: str) -> int:
    """The id of *word*; raises BrokenDetector when it is more than one token."""
    ids = loaded.tokenizer.encode(word, add_special_tokens=False)
    if len(ids) != 1:
        raise BrokenDetector(f"{word!r} is {len(ids)} tokens to this model, expected one")
    return int(ids[0])


def encoded(loaded: Loaded, *texts: list[str], offsets: bool = False) -> Any:
    """Encode texts, or pairs of which the first may be cut to fit."""
    return loaded.tokenizer(
        *texts,
        truncation="only_first",
        max_length=longest(loaded),
        padding=True,
        return_tensors="pt",
        return_offsets_mapping=offsets,
    )


def longest(loaded: Loaded) -> int:
    """The most tokens that the model reads at once."""
    positions = getattr(loaded.config, "max_position_embeddings", None) or 512
    return int(min(positions, loaded.tokenizer.model_max_length))


def _offsets(loaded: Loaded, text: str) -> list[tuple[int, int]]:
    found = loaded.tokenizer(
        text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
    )
    return [(int(start), int(end)) for start, end in found["offset_mapping"]]
