"""The kinds of models that can examine: what they read, and which of their labels are unsound.

Labels are data and the direction of risk is stated: *unsound* names the labels whose
probability is risk. A label is given by its name in the model's own configuration. A context
too long for the model is read in windows; support in any of them is support.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from trustlayer import Evidence, Exchange, Finding, Span
from trustlayer_detectors.hub.loading import Loaded
from trustlayer_detectors.hub.reading import columns, encoded, laid_out, single_token, windows


class Head(Protocol):
    """What `TransformersDetector` needs to know of a kind of model."""

    @property
    def architecture(self) -> str:
        """The name of the transformers class that loads it, or "CrossEncoder"."""
        ...

    @property
    def needs(self) -> tuple[str, ...]: ...

    def findings(
        self, loaded: Loaded, exchanges: Sequence[Exchange], batch_size: int
    ) -> list[Finding]: ...


@dataclass(frozen=True, slots=True)
class Text:
    """A classifier of the answer alone, as Detoxify: toxicity and its kin.

    The risk is the largest probability of an *unsound* label; *exclusive* labels share one
    softmax, others have a sigmoid each.
    """

    unsound: tuple[str, ...]
    exclusive: bool = False
    architecture: ClassVar[str] = "AutoModelForSequenceClassification"
    needs: ClassVar[tuple[str, ...]] = ()

    def findings(
        self, loaded: Loaded, exchanges: Sequence[Exchange], batch_size: int
    ) -> list[Finding]:
        answers = [exchange.answer for exchange in exchanges]
        order = sorted(range(len(answers)), key=lambda i: len(answers[i]))
        found: dict[int, Finding] = {}
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            rows = loaded.logits(encoded(loaded, [answers[i] for i in batch]))
            found |= {i: self._finding(loaded, row) for i, row in zip(batch, rows, strict=True)}
        return [found[i] for i in range(len(answers))]

    def _finding(self, loaded: Loaded, logits: Any) -> Finding:
        probabilities = logits.softmax(-1) if self.exclusive else logits.sigmoid()
        by_label = {name: float(probabilities[i]) for name, i in columns(loaded, self.unsound)}
        worst = max(by_label, key=lambda label: by_label[label])
        return Finding(by_label[worst], (Evidence(f"{worst} {by_label[worst]:.0%}"),))


@dataclass(frozen=True, slots=True)
class Pair:
    """A classifier of context and answer: NLI models, CrossEncoders, HHEM- and MiniCheck-like.

    It is loaded by sentence-transformers. The risk is the sum of the probabilities of the
    *unsound* labels; of a model with a single output it is one minus its sigmoid, or with
    any *unsound* label given, the sigmoid itself.
    """

    unsound: tuple[str, ...] = ()
    template: str = "{context}"
    architecture: ClassVar[str] = "CrossEncoder"
    needs: ClassVar[tuple[str, ...]] = ("context",)

    def findings(
        self, loaded: Loaded, exchanges: Sequence[Exchange], batch_size: int
    ) -> list[Finding]:
        read = [windows(loaded, self.template, exchange) for exchange in exchanges]
        pairs = [(w, e.answer) for texts, e in zip(read, exchanges, strict=True) for w in texts]
        risks = iter([self._risk(loaded, row) for row in loaded.rows(pairs, batch_size)])
        return [Finding(min(next(risks) for _ in texts)) for texts in read]

    def _risk(self, loaded: Loaded, logits: Any) -> float:
        if len(logits) == 1:
            sigmoid = float(logits[0].sigmoid())
            return sigmoid if self.unsound else 1.0 - sigmoid
        probabilities = logits.softmax(-1)
        return _unit(sum(float(probabilities[i]) for _, i in columns(loaded, self.unsound)))


@dataclass(frozen=True, slots=True)
class Tokens:
    """A classifier of the answer's tokens beside the context, as LettuceDetect.

    The risk is the largest probability of an unsound token; tokens above *threshold* that
    follow one another are one span. *template* is what the model was trained to read in
    front of the answer.
    """

    unsound: tuple[str, ...]
    template: str = "{context}\n\n{prompt}"
    threshold: float = 0.5
    architecture: ClassVar[str] = "AutoModelForTokenClassification"
    needs: ClassVar[tuple[str, ...]] = ("context",)

    def findings(
        self, loaded: Loaded, exchanges: Sequence[Exchange], batch_size: int
    ) -> list[Finding]:
        return [self._finding(loaded, exchange) for exchange in exchanges]

    def _finding(self, loaded: Loaded, exchange: Exchange) -> Finding:
        marked: dict[Span, float] = {}
        for window in windows(loaded, self.template, exchange):
            for span, risk in self._marked(loaded, window, exchange.answer):
                marked[span] = min(risk, marked.get(span, 1.0))
        evidence = [Evidence(f"unsupported ({risk:.0%})", s) for s, risk in self._spans(marked)]
        return Finding(max(marked.values(), default=0.0), tuple(evidence))

    def _marked(self, loaded: Loaded, window: str, answer: str) -> list[tuple[Span, float]]:
        batch = encoded(loaded, [window], [answer], offsets=True)
        offsets = batch.pop("offset_mapping")[0].tolist()
        unsound = [i for _, i in columns(loaded, self.unsound)]
        risks = loaded.logits(batch)[0].softmax(-1)[:, unsound].sum(-1).tolist()
        own = [i for i, side in enumerate(batch.sequence_ids(0)) if side == 1]
        return [(Span(*offsets[i]), _unit(risks[i])) for i in own]

    def _spans(self, marked: dict[Span, float]) -> Iterator[tuple[Span, float]]:
        open_: tuple[Span, float] | None = None
        for span, risk in sorted(marked.items()):
            if risk <= self.threshold:
                if open_:
                    yield open_
                open_ = None
            elif open_:
                open_ = (Span(open_[0].start, span.end), max(open_[1], risk))
            else:
                open_ = (span, risk)
        if open_:
            yield open_


@dataclass(frozen=True, slots=True)
class Guard:
    """A generative guard, as Llama Guard, ShieldGemma or Granite Guardian.

    One forward pass: the risk is the probability of the *unsound* word as the next token, over
    that of either word. *template* is the whole prompt; with *chat* it is put through the
    model's own chat template, as a message of the user.
    """

    unsound: str = "Yes"
    sound: str = "No"
    template: str = "{prompt}\n\n{answer}"
    chat: bool = False
    architecture: ClassVar[str] = "AutoModelForCausalLM"
    needs: ClassVar[tuple[str, ...]] = ()

    def findings(
        self, loaded: Loaded, exchanges: Sequence[Exchange], batch_size: int
    ) -> list[Finding]:
        return [Finding(self._risk(loaded, exchange)) for exchange in exchanges]

    def _risk(self, loaded: Loaded, exchange: Exchange) -> float:
        words = [single_token(loaded, self.unsound), single_token(loaded, self.sound)]
        text = laid_out(self.template, exchange)
        if self.chat:
            message = [{"role": "user", "content": text}]
            text = loaded.tokenizer.apply_chat_template(
                message, tokenize=False, add_generation_prompt=True
            )
        batch = loaded.tokenizer(text, return_tensors="pt", add_special_tokens=not self.chat)
        return float(loaded.logits(batch)[0, -1][words].softmax(-1)[0])


def _unit(value: float) -> float:
    return min(1.0, max(0.0, value))  # rounding may leave [0, 1] by an ulp
