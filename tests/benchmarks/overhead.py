"""What the loop itself costs beside one grounding examination, and many runs at once.

Run: python tests/benchmarks/overhead.py
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from trustlayer import Detector, Exchange, Finding, Model, Request, Verifier, load
from trustlayer.segments import Segments

PASSAGE = (
    "The lighthouse on the northern head was lit for the first time in the spring of 1874 and "
    "has guided ships through the strait ever since. Its tower of grey granite rises 41 metres "
    "above the rock, and 186 steps lead up to the gallery, where the lamp turns once in twelve "
    "seconds. Four keepers lived there with their families until the light was automated in 1988; "
    "their houses are now a museum that opens from April to October. Visitors reach the island by "
    "a ferry that leaves the harbour twice a day and takes a little more than half an hour."
)
ANSWER = " ".join(PASSAGE.split()[:100])


@dataclass(frozen=True)
class Still:
    """A detector that finds nothing; it takes the time of *inner*, if there is one."""

    name: str = "still"
    inner: Detector | None = None

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding]:
        if self.inner is not None:
            self.inner.examine(exchanges)
        return [Finding(0.1)] * len(exchanges)


def median(
    call: Callable[[], object], times: int, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The seconds that one call takes; by `time.process_time`, those of the processors."""
    seconds = []
    for _ in range(times):
        begun = clock()
        call()
        seconds.append(clock() - begun)
    return statistics.median(seconds)


async def _many(verifier: Verifier, count: int) -> float:
    begun = time.perf_counter()
    outcomes = await asyncio.gather(*(verifier.arun(f"{n}", (PASSAGE,)) for n in range(count)))
    assert all(outcome.answer for outcome in outcomes)
    return time.perf_counter() - begun


async def _answer(request: Request) -> str:
    await asyncio.sleep(0.05)
    return ANSWER


def _tokens(request: Request) -> Iterator[str]:
    for word in ANSWER.split(" "):
        time.sleep(0.03)  # a model of some thirty tokens a second
        yield f"{word} "


def _first(texts: Iterable[str]) -> float:
    begun = time.perf_counter()
    next(iter(texts))
    return time.perf_counter() - begun


def _bare() -> float:
    """Until the first sentence of the bare stream is complete."""
    segments, begun = Segments(), time.perf_counter()
    for word in _tokens(Request("?")):
        if segments.feed(word):
            break
    return time.perf_counter() - begun


def first_sentence(detector: Detector, examination: float) -> None:
    """The time to the first sentence beside that of the bare stream plus one examination."""
    model = Model("m", lambda request: ANSWER, stream=_tokens)
    verifier = Verifier([detector], [model])
    streamed = statistics.median(_first(verifier.stream("?", (PASSAGE,))) for _ in range(5))
    bare = statistics.median(_bare() for _ in range(5))
    print(
        f"first sentence: {1e3 * streamed:.0f} ms; bare stream {1e3 * bare:.0f} ms, one "
        f"examination of the whole answer {1e3 * examination:.0f} ms: "
        f"{streamed / (bare + examination):.2f} of their sum"
    )


def main() -> None:
    grounding = load("grounding")
    exchange = Exchange("What of the lighthouse?", ANSWER, (PASSAGE,))
    grounding.examine([exchange])
    fresh = iter(range(10**6))
    once = median(
        lambda: grounding.examine([Exchange("?", ANSWER, (f"{next(fresh)} {PASSAGE}",))]), 15
    )
    cached = median(lambda: grounding.examine([exchange]), 15)
    verifier = Verifier([Still()], [lambda text: ANSWER])
    loop = median(lambda: verifier.run("What of the lighthouse?", (PASSAGE,)), 200)
    streamed = median(lambda: list(verifier.stream("What of it?", (PASSAGE,))), 50)
    print(f"one grounding examination: {1e3 * once:.2f} ms ({1e3 * cached:.2f} ms, context cached)")
    print(
        f"the loop alone: {1e3 * loop:.3f} ms = {loop / once:.2%} ({loop / cached:.2%} of cached)"
    )
    worked = median(lambda: grounding.examine([exchange]), 15, time.process_time)
    looped = median(
        lambda: [verifier.run("?", (PASSAGE,)) for _ in range(100)], 15, time.process_time
    )
    print(
        f"of the processors, on which other work does not count: examination {1e3 * worked:.2f} ms "
        f"(context cached), the loop {10 * looped:.3f} ms = {looped / 100 / worked:.2%}"
    )
    print(f"the loop alone, streamed: {1e3 * streamed:.3f} ms = {streamed / once:.2%}")
    first_sentence(replace(Still(), inner=grounding), cached)
    many = asyncio.run(_many(Verifier([Still()], [Model("m", _answer)]), 200))
    print(f"200 runs at once, each waiting 50 ms for its model: {1e3 * many:.0f} ms")


if __name__ == "__main__":
    main()
