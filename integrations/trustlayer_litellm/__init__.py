"""trustlayer in the LiteLLM proxy: any OpenAI client is verified by changing its base URL.

In the configuration of the proxy::

    guardrails:
      - guardrail_name: trustlayer
        litellm_params:
          guardrail: trustlayer_litellm.trust
          mode: [pre_call, during_call, post_call]
          default_on: true
          trust_config: trustlayer.toml

`Trust` is the guardrail itself, for those who make it of a `Verifier` of their own.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trustlayer import TrustlayerError, config
from trustlayer.errors import MissingExtra

if TYPE_CHECKING:
    from trustlayer_litellm.guardrail import Trust

__all__ = ["BadGuardrail", "Trust", "trust"]


class BadGuardrail(TrustlayerError):
    """The guardrail is configured in a way that would let answers pass unexamined."""


def trust(
    *,
    trust_config: str | None = None,
    fallbacks: Sequence[str] = (),
    prompts: Sequence[str] = (),
    passages: Sequence[str] = ("system", "tool"),
    refusal: str = "message",
    stream: str = "auto",
    hold: int = 0,
    **options: Any,
) -> Trust:
    """Make the guardrail from the file *trust_config*, for the proxy; see `Trust` for the rest.

    Without *trust_config*, the environment variable TRUSTLAYER_CONFIG or the working directory is
    looked in. Raises BadGuardrail, BadConfig and what the audit store raises: the proxy then
    does not start.
    """
    try:
        made = _made(
            trust_config or os.environ.get("TRUSTLAYER_CONFIG"),
            fallbacks=_names("fallbacks", fallbacks),
            prompts=_names("prompts", prompts),
            passages=_names("passages", passages),
            refusal=_one_of("refusal", refusal, "message", "error"),
            stream=_one_of("stream", stream, "auto", "whole"),
            hold=hold,
            **options,
        )
    except (TypeError, ValueError) as error:
        # At these LiteLLM would start without the guardrail, and wave everything through.
        raise BadGuardrail(f"the guardrail trustlayer cannot be made: {error}") from error
    return made


def _made(file: str | None, **options: Any) -> Trust:
    Trust = _guardrail()
    verifier = config.load(file or config.FILE)
    known = {detector.name for detector in verifier.detectors}
    if unknown := set(options["prompts"]) - known:
        raise ValueError(f"prompts names {', '.join(sorted(unknown))}, not in {file}")
    return Trust(verifier, **options)


def _guardrail() -> type[Trust]:
    try:
        from trustlayer_litellm.guardrail import Trust
    except ImportError as error:
        missing = MissingExtra(f"the proxy of LiteLLM is not installed: {error}")
        missing.add_note("pip install 'trustlayer[litellm]'")
        raise missing from error
    return Trust


def _names(key: str, given: object) -> tuple[str, ...]:
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise TypeError(f"{key}: expected a list of names, found {given!r}")
    return tuple(map(str, given))


def _one_of(key: str, given: str, *known: str) -> str:
    if given not in known:
        raise ValueError(f"{key}: expected {' or '.join(known)}, found {given!r}")
    return given


def __getattr__(name: str) -> Any:
    if name == "Trust":
        return _guardrail()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
