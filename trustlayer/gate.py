"""Lets the text of a stream that somebody else drives through, sentence by sentence."""

from __future__ import annotations

from dataclasses import dataclass, field

from trustlayer.asking import ask_all
from trustlayer.exchange import Exchange
from trustlayer.model import Reply, Request
from trustlayer.outcome import Outcome
from trustlayer.stream import Live
from trustlayer.streaming import Next, Piece, Release, StreamSent, StreamStep
from trustlayer.trail import Several


@dataclass(slots=True)
class Gate:
    """Feed it what the model streams; hand on what it returns, and nothing else.

    Once a sentence did not pass it is no longer *open*: cancel the model, nothing more comes
    through. `flush` at the end of the stream returns the rest; the outcome is durable by then.
    Samples come from the models that `Sampling` names; without any, whatever lives on them
    leaves the answer unexamined, since a gate has nobody to ask.
    """

    live: Live = field(repr=False)
    _step: StreamStep | None = field(default=None, repr=False)
    _begun: bool = False

    @property
    def open(self) -> bool:
        """Whether more text may come through."""
        return not self._begun or self._step is not None

    @property
    def outcome(self) -> Outcome | None:
        """What came of it; None while it is open."""
        return self.live.outcome

    def feed(self, chunk: str) -> str:
        """Take *chunk* in; return what may be shown now."""
        return self._pass(Piece(chunk))

    def flush(self, reply: Reply | None = None) -> str:
        """Return what is left once the stream has ended; *reply* may tell what it took."""
        return self._pass(Piece(None, reply))

    def fail(self, error: str) -> None:
        """Tell that the stream broke off: nothing of what is left may be shown."""
        self._pass(Piece(error=error))

    def _pass(self, piece: Piece) -> str:
        if not self._begun:
            self._begun, self._step = True, self.live.advance()
        if self._step is None:
            return ""
        out: list[str] = []
        sent: StreamSent = piece
        while True:
            self._step = self.live.advance(sent)
            sent = None
            match self._step:
                case Exchange():
                    sent = self.live.examine(self._step)
                case Several(asks):
                    sent = tuple(ask_all(asks, self.live.concurrency))
                case Release(text, last):
                    if last:
                        self.live.settle()
                    out.append(text)
                case Next():
                    return "".join(out)
                case None:
                    self.live.settle()
                    return "".join(out)
                case _:  # a Stop: whoever drives the stream sees that it is no longer open
                    pass


def nobody(request: Request) -> str:
    """Stand for the model of a stream that is driven elsewhere; raises LookupError."""
    raise LookupError("a gate has no model to ask for samples: name them in Sampling(models=...)")
