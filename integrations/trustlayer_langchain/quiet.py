"""Keeping drafts from whoever streams: the inner chain runs unheard, but not unobserved.

Handlers that feed a stream (`astream_events`, `astream_log`, LangGraph) do not reach the inner
chain. All others do, so that traces stay whole, but they are not told single tokens: those
are for showing. What is accepted leaves by the wrapper's own output.
"""

from __future__ import annotations

from typing import Any, cast

from langchain_core.callbacks import BaseCallbackHandler, BaseCallbackManager
from langchain_core.runnables import RunnableConfig, patch_config
from langchain_core.tracers import (
    BaseTracer,
    _streaming,  # LangGraph uses these classes, too
)

MUTED = frozenset({"on_llm_new_token", "on_stream_event"})
# Older releases have the first of them only.
STREAMS: frozenset[type] = frozenset(
    getattr(_streaming, name)
    for name in ("_StreamingCallbackHandler", "_V2StreamingCallbackHandler")
    if hasattr(_streaming, name)
)
SUBGRAPH_STREAM = "__pregel_stream"  # by this a graph inside of the chain joins an outer stream


class Hushed(BaseCallbackHandler):
    """Another handler, without its ear for tokens."""

    def __init__(self, handler: BaseCallbackHandler) -> None:
        self._handler = handler

    def __getattribute__(self, name: str) -> Any:
        if name in MUTED or (name.startswith("__") and name.endswith("__")):
            return object.__getattribute__(self, name)
        return getattr(object.__getattribute__(self, "_handler"), name)


def quiet(config: RunnableConfig) -> RunnableConfig:
    """*config* for what may come to be rejected: no token of it reaches a stream."""
    callbacks = config.get("callbacks")
    given = config.get("configurable") or {}
    kept = {key: value for key, value in given.items() if key != SUBGRAPH_STREAM}
    calm = config.copy()
    calm["configurable"] = kept
    if isinstance(callbacks, BaseCallbackManager):
        return patch_config(calm, callbacks=_quiet_manager(callbacks))
    return calm


def heard_by(config: RunnableConfig, handler: BaseCallbackHandler) -> RunnableConfig:
    """*config* with one more handler, for all that runs under it."""
    heard = config.copy()
    callbacks = config.get("callbacks")
    if isinstance(callbacks, BaseCallbackManager):
        manager = callbacks.copy()
        manager.add_handler(handler, inherit=True)
        heard["callbacks"] = manager
    else:
        heard["callbacks"] = [*(callbacks or []), handler]
    return heard


def _quiet_manager(manager: BaseCallbackManager) -> BaseCallbackManager:
    calm = manager.copy()
    calm.handlers = _without_streams(manager.handlers)
    calm.inheritable_handlers = _without_streams(manager.inheritable_handlers)
    return calm


def _without_streams(handlers: list[BaseCallbackHandler]) -> list[BaseCallbackHandler]:
    kept = [handler for handler in handlers if not streams(handler)]
    return [Hushed(handler) if _listens(handler) else handler for handler in kept]


def streams(handler: BaseCallbackHandler) -> bool:
    """Whether *handler* feeds a stream of LangChain's or LangGraph's."""
    # By inheritance: the protocol's isinstance also matches whatever has methods of that name.
    return bool(STREAMS & set(type(handler).__mro__))


def _listens(handler: BaseCallbackHandler) -> bool:
    # A tracer keeps what it hears for itself, and LangChain must know it by its class.
    if isinstance(handler, BaseTracer | Hushed):
        return False
    own = cast("Any", type(handler))
    return any(getattr(own, name) is not getattr(BaseCallbackHandler, name) for name in MUTED)
