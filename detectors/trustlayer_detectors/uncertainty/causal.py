"""A local causal language model that tells how likely each of its tokens was (extra ``models``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from threading import Lock
from typing import Any

from trustlayer import Model, Reply, Request, Token
from trustlayer.errors import MissingExtra

_turn = Lock()


@dataclass(frozen=True, slots=True)
class CausalModel:
    """Answers with a transformers model from a folder, or by a name on the hub.

    Nothing is fetched unless *local_files_only* is off. A *temperature* of 0 is greedy: as
    such it answers always the same, and samples of it teach nothing. Each token comes with
    the *alternatives* likeliest at its place. Raises MissingExtra without torch and
    transformers.
    """

    model: str
    temperature: float = 0.0
    longest: int = 256
    alternatives: int = 5
    local_files_only: bool = True

    def __call__(self, request: Request) -> Reply:
        network, tokenizer = _loaded(self.model, self.local_files_only)
        given = _encoded(tokenizer, request.text).to(network.device)
        with _turn:
            made = network.generate(**given, **self._options(tokenizer))
        count = given["input_ids"].shape[1]
        ids = [int(token) for token in made.sequences[0][count:]]
        rows = [logits[0].float().log_softmax(-1) for logits in made.logits]
        kept = [(id, row) for id, row in zip(ids, rows, strict=True) if not _special(tokenizer, id)]
        texts = _texts(tokenizer, [id for id, _ in kept])
        tokens = tuple(
            Token(text, _known(row[id]), tuple(map(_known, row.topk(self.alternatives).values)))
            for text, (id, row) in zip(texts, kept, strict=True)
        )
        text = "".join(texts).strip()
        return Reply(text, tokens=tokens, tokens_in=count, tokens_out=len(ids))

    def named(self, name: str | None = None) -> Model:
        """This model as one of a ladder, or for `AskedTruth`."""
        return Model(name or self.model, self)

    def _options(self, tokenizer: Any) -> dict[str, Any]:
        sampled = self.temperature > 0.0
        return {
            "do_sample": sampled,
            "temperature": self.temperature if sampled else None,
            "top_p": 1.0 if sampled else None,
            "top_k": 0 if sampled else None,
            "max_new_tokens": self.longest,
            "output_logits": True,
            "return_dict_in_generate": True,
            "pad_token_id": tokenizer.pad_token_id or tokenizer.eos_token_id,
        }


@lru_cache
def _loaded(model: str, local_files_only: bool) -> tuple[Any, Any]:
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as error:
        missing = MissingExtra(f"a local model needs torch and transformers: {error}")
        missing.add_note("pip install 'trustlayer[models]'")
        raise missing from error
    options = {"local_files_only": local_files_only, "trust_remote_code": False}
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network: Any = AutoModelForCausalLM.from_pretrained(model, dtype="auto", **options)
    return network.eval().to(device), AutoTokenizer.from_pretrained(model, **options)


def _encoded(tokenizer: Any, text: str) -> Any:
    if tokenizer.chat_template is None:
        return tokenizer(text, return_tensors="pt", return_token_type_ids=False)
    return tokenizer.apply_chat_template(
        [{"role": "user", "content": text}],
        add_generation_prompt=True,
        return_dict=True,
        return_tensors="pt",
    )


def _special(tokenizer: Any, token: int) -> bool:
    return token in tokenizer.all_special_ids


def _texts(tokenizer: Any, ids: Sequence[int]) -> list[str]:
    # What each token adds: one alone may be half a letter, or lack its blank.
    ends = [0, *(len(tokenizer.decode(ids[: n + 1])) for n in range(len(ids)))]
    whole = tokenizer.decode(ids)
    return [whole[start:end] for start, end in pairwise(ends)]


def _known(logprob: Any) -> float:
    return min(0.0, float(logprob))
