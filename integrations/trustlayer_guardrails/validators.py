"""Guardrails validators: each has detectors examine what a model wrote.

Whatever could not be examined fails. A fix leaves out the sentences that are doubted, and is
itself examined. Of streams, Guardrails holds text back only with ``on_fail="fix"`` (and in an
AsyncGuard): with ``noop`` it is shown unexamined, and with anything else we refuse to stream.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, ClassVar, TypeAlias, cast

from guardrails import OnFailAction
from guardrails.validator_base import Validator, register_validator

from trustlayer import Exchange, Policy, TrustlayerError, Verdict, Verifier, load
from trustlayer.sentences import split
from trustlayer_guardrails.quiet import unreported
from trustlayer_guardrails.results import Result, exchange_of, result_of, without_doubts

OnFail: TypeAlias = OnFailAction | str | Callable[..., Any] | None
CLOSERS = "\"'\N{RIGHT DOUBLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK})]*_"
STREAMS = (OnFailAction.FIX, OnFailAction.NOOP)
_awaited: ContextVar[bool] = ContextVar("awaited", default=False)


class CannotStream(TrustlayerError):
    """Guardrails would show a stream before it is examined."""


class Examined(Validator):
    """What our validators have in common: a verifier of named detectors, made on first use."""

    names: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        limit: float | None = None,
        detectors: Sequence[str] | None = None,
        on_fail: OnFail = None,
        **kwargs: Any,
    ) -> None:
        """*limit* is the risk up to which an answer passes, instead of the detectors' own.

        *detectors* names others than the usual ones.
        """
        with unreported():
            super().__init__(
                on_fail=cast("Any", on_fail), limit=limit, detectors=detectors, **kwargs
            )
        self._detectors = tuple(detectors or self.names)
        self._policy = Policy(limit=limit)
        self._made: Verifier | None = None
        self.left = ""  # of a stream: what has not been examined yet

    @property
    def verifier(self) -> Verifier:
        if self._made is None:
            self._made = Verifier([load(name) for name in self._detectors], policy=self._policy)
        return self._made

    def _validate(self, value: Any, metadata: dict[str, Any]) -> Result:
        exchange = exchange_of(_text(value), metadata)
        verdict = self._verdict(exchange)
        return result_of(
            verdict, self.verifier.rules, metadata, lambda: self._fix(verdict, metadata)
        )

    def _verdict(self, exchange: Exchange) -> Verdict:
        return self.verifier.verify(exchange)

    def _fix(self, verdict: Verdict, metadata: dict[str, Any]) -> str:
        def examine(answer: str) -> Verdict:
            # Samples and probabilities are of the whole answer, not of what is left of it.
            return self._verdict(replace(verdict.exchange, answer=answer, logprobs=None))

        return without_doubts(verdict, self.verifier.rules, examine)

    def _chunking_function(self, chunk: str) -> list[str]:
        """Cut off the sentences that are whole, with the white space around them.

        A Guard loses what is left over from the last chunk of a stream: for it, nothing may
        be left over.
        """
        if _is_whole(chunk):
            return [chunk, ""]
        sentences = split(chunk) if _awaited.get() else []
        if len(sentences) < 2:
            return []
        start = sentences[-1].start
        return [chunk[:start], chunk[start:]]

    def validate_stream(self, chunk: Any, metadata: dict[str, Any], **kwargs: Any) -> Any:
        awaited = "context_vars" in kwargs
        if awaited and self.on_fail_descriptor == OnFailAction.REASK:
            raise _cannot_ask_again()
        if not awaited and self.on_fail_descriptor not in STREAMS:
            raise _cannot_stream(self)
        before = _awaited.set(awaited)
        try:
            result = super().validate_stream(chunk, metadata, **kwargs)
        finally:
            _awaited.reset(before)
        done = getattr(result, "validated_chunk", None)
        self.left = (self.left + str(chunk))[len(str(done or "")) :]
        return result


def _is_whole(text: str) -> bool:
    # A stop after a digit may turn out to be a decimal point; but an AsyncGuard never tells
    # that a stream has ended, and whatever is then left is lost.
    end = text.rstrip().rstrip(CLOSERS)
    return end[-1:] in ("!", "?") or (
        end.endswith(".") and (_awaited.get() or not end[-2:-1].isdigit())
    )


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise TypeError(f"these validators examine text, got {type(value).__name__}")


def _cannot_ask_again() -> CannotStream:
    error = CannotStream("with on_fail='reask' Guardrails cannot go on in the middle of a stream")
    error.add_note('write on_fail="fix", give Trusted a verifier with models, or do not stream')
    return error


def _cannot_stream(validator: Examined) -> CannotStream:
    action = getattr(validator.on_fail_descriptor, "value", validator.on_fail_descriptor)
    error = CannotStream(
        f"with on_fail={action!r} Guardrails shows a stream before it is examined, and never "
        "has its end examined"
    )
    error.add_note(f'write {type(validator).__name__}(on_fail="fix"), use an AsyncGuard, or')
    error.add_note("do not stream")
    return error


@register_validator(name="trustlayer/grounded", data_type="string")
class Grounded(Examined):
    """Every figure, quotation and claim must rest on ``metadata["context"]``."""

    required_metadata_keys: ClassVar[list[str]] = ["context"]
    names = ("figures", "quotations", "grounding")


@register_validator(name="trustlayer/non_toxic", data_type="string")
class NonToxic(Examined):
    """Nobody may be insulted, threatened or demeaned."""

    names = ("toxicity",)


@register_validator(name="trustlayer/harmless", data_type="string")
class Harmless(Examined):
    """Nothing may help to do harm."""

    names = ("harm",)


@register_validator(name="trustlayer/certain", data_type="string")
class Certain(Examined):
    """The model must have been certain, by its ``samples`` or ``logprobs`` in the metadata."""

    required_metadata_keys: ClassVar[list[str]] = ["prompt"]
    names = ("uncertainty",)


@register_validator(name="trustlayer/trusted", data_type="string")
class Trusted(Examined):
    """A verifier of your own must accept it; its store records the outcome.

    If it has models, a fix is what they answer to ``metadata["prompt"]``, once accepted.
    """

    def __init__(self, verifier: Verifier, on_fail: OnFail = None, **kwargs: Any) -> None:
        super().__init__(on_fail=on_fail, **kwargs)
        self._made = verifier

    def _fix(self, verdict: Verdict, metadata: dict[str, Any]) -> str:
        wanted = self.on_fail_descriptor in (OnFailAction.FIX, OnFailAction.FIX_REASK)
        exchange = verdict.exchange
        if wanted and self.verifier.models and exchange.prompt:
            return self.verifier.run(exchange.prompt, exchange.context).answer or ""
        return super()._fix(verdict, metadata)
