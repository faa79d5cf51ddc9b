"""What a metric is given: the parts of an exchange, by the names that metrics have for them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from trustlayer import Exchange

PROMPT = {"prompt", "question", "query", "input", "user_input", "instruction"}
ANSWER = {"answer", "response", "output", "completion", "actual_output", "prediction"}
ANSWER |= {"text", "statement", "generation", "outputs", "value"}
CONTEXT = {"context", "contexts", "source", "documents", "passages", "retrieval_context"}
CONTEXT |= {"retrieved_contexts", "reference_contexts", "evidence"}
TEXTS = ("str", "<class 'str'>")
FREE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def arguments_for(function: Callable[..., Any], exchange: Exchange) -> Mapping[str, Any] | None:
    """The parts of *exchange* by the names of *function*'s parameters.

    None where it has one parameter of a name that tells nothing: it is given the answer. Raises
    TypeError where a parameter without a default is none of ours.
    """
    wanted = [p for p in inspect.signature(function).parameters.values() if p.kind not in FREE]
    given: dict[str, Any] = {}
    for parameter in wanted:
        found, value = _part(parameter, exchange)
        if found:
            given[parameter.name] = value
        elif parameter.default is inspect.Parameter.empty:
            if len(wanted) == 1:
                return None
            raise _unknown(function, parameter.name)
    return given


def test_case_of(exchange: Exchange) -> Any:
    """*exchange* as DeepEval's test case, or as something of its shape where that is missing."""
    told = {
        "input": exchange.prompt,
        "actual_output": exchange.answer,
        "context": list(exchange.context),
        "retrieval_context": list(exchange.context),
    }
    try:
        from deepeval.test_case import (  # pyright: ignore[reportMissingImports]
            LLMTestCase,
        )
    except ImportError:
        return SimpleNamespace(**told, expected_output=None)
    return LLMTestCase(**told)


def _part(parameter: inspect.Parameter, exchange: Exchange) -> tuple[bool, Any]:
    if "Exchange" in str(parameter.annotation) or parameter.name == "exchange":
        return True, exchange
    if parameter.name in PROMPT:
        return True, exchange.prompt
    if parameter.name in ANSWER:
        return True, exchange.answer
    if parameter.name in CONTEXT:
        as_text = str(parameter.annotation) in TEXTS
        return True, "\n\n".join(exchange.context) if as_text else list(exchange.context)
    if parameter.name == "samples":
        return True, list(exchange.samples)
    return False, None


def _unknown(function: Callable[..., Any], name: str) -> TypeError:
    called = getattr(function, "__name__", type(function).__name__)
    error = TypeError(f"the metric {called!r} asks for {name!r}, which is no part of an exchange")
    error.add_note(f"known are: {', '.join(sorted(PROMPT | ANSWER | CONTEXT))}")
    error.add_note("or wrap it: as_detector(lambda exchange: metric(...exchange.answer...))")
    return error
