"""Where the passages come from that an answer has to rest on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, cast

from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda

from trustlayer_langchain.inputs import question_of

Passages = str | Document | Iterable[str | Document]
Context = (
    str | Runnable[Any, Any] | Callable[[Any], Passages] | Callable[[Any], Awaitable[Passages]]
)


def source(context: Context, question: str | None) -> Runnable[Any, Any]:
    """A step from the input to its passages.

    A str is a key of the input; a retriever is asked the question; any other Runnable or
    function is given the input.
    """
    if isinstance(context, str):
        return RunnableLambda(partial(_under, context), name="passages")
    if isinstance(context, BaseRetriever):
        return RunnableLambda(partial(question_of, key=question), name="question") | context
    if isinstance(context, Runnable):
        return cast("Any", context)  # type: ignore[no-any-return]  # pyright loses its types
    return RunnableLambda(cast("Callable[[Any], Any]", context), name="passages")


def texts_of(found: object) -> tuple[str, ...]:
    """The passages in *found*, of which each may be a str or a Document."""
    if found is None:
        return ()
    if isinstance(found, str | Document):
        return (_text(found),)
    if isinstance(found, Iterable):
        return tuple(_text(passage) for passage in cast("Iterable[object]", found))
    raise _not_passages(found)


def _under(key: str, given: Any) -> Any:
    if key in given:
        return given[key]
    error = KeyError(f"the input has no key {key!r} for the context")
    error.add_note("name another: trusted(chain, verifier, context=...), or give a retriever")
    raise error


def _text(passage: object) -> str:
    if isinstance(passage, str):
        return passage
    if isinstance(passage, Document):
        return passage.page_content
    raise _not_passages(passage)


def _not_passages(found: object) -> TypeError:
    kind = type(found).__name__
    return TypeError(f"the context must be of str or Document, one or several, got {kind}")
