"""What an answer costs on this machine: seconds of one core, alone and in a batch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import cycle, islice

from trustlayer.capacity import Cost
from trustlayer.exchange import Exchange
from trustlayer.finding import Detector
from trustlayer.forgetting import forget_all

_PASSAGES = (
    "The lighthouse on the northern head was lit for the first time in the spring of 1874. Its "
    "tower of grey granite rises 41 metres above the rock, and 186 steps lead up to the gallery, "
    "where the lamp turns once in twelve seconds. Four keepers lived there with their families "
    "until the light was automated in 1988; their houses are now a museum that is open from "
    "April to October. A ferry leaves the harbour twice a day and takes half an hour.",
    "Members may borrow up to eight books for four weeks. A loan is renewed twice at most, "
    "unless somebody else has asked for the book. For each day beyond that, 20 cents are due "
    "for each book, up to 6 euros. Who has lost a book pays its price and 5 euros for the work. "
    "The reading room is open from nine to seven, on Saturdays until one.",
    "Switch the pump off and let it cool for ten minutes before you open the filter. Turn the "
    "lid against the clock, lift the basket out and rinse it under running water; do not use "
    "soap. Grease the seal once a year. If the lamp goes on blinking after three starts, close "
    "the inlet and call the service: the pressure switch has to be replaced.",
)
_ANSWERS = (
    "The tower is 41 metres high and has 186 steps. It was lit in 1874.",
    "You can keep eight books for four weeks and renew them twice. After that it costs 25 cents "
    "a day for each book. The reading room is open until seven, and on Saturdays until one.",
    "Rinse the basket under running water, without soap. Let the pump cool for ten minutes "
    "first. If the lamp goes on blinking, replace the seal; it has to be greased every month. "
    "You may also open the filter while the pump runs, which saves time. Call the service when "
    "the pressure switch has failed.",
    "I do not know.",
)


def sample(count: int) -> list[Exchange]:
    """Answers of our own, short and longer ones, to measure with where nobody gives any."""
    pairs = zip(cycle(_PASSAGES), cycle(_ANSWERS), strict=False)
    return [
        Exchange(f"Question {n}: what do I have to know?", answer, (f"{passage} ({n})", passage))
        for n, (passage, answer) in enumerate(islice(pairs, count))
    ]


def measured(detectors: Sequence[Detector], exchanges: Sequence[Exchange], batch: int) -> Cost:
    """Examine *exchanges* one by one, and as many as *batch* of them together.

    Seconds are those of the processor, so that other programs do not count; have the models
    use one core for this: TRUSTLAYER_THREADS=1, set before they are loaded.
    """
    together = list(islice(cycle(exchanges), batch))
    _seconds(detectors, exchanges[:1])  # the models are loaded, which does not count
    return Cost(
        tuple(_seconds(detectors, [exchange]) for exchange in exchanges),
        len(together),
        _seconds(detectors, together),
    )


def _seconds(detectors: Sequence[Detector], exchanges: Sequence[Exchange]) -> float:
    forget_all()
    begun = time.process_time()
    for detector in detectors:
        detector.examine(exchanges)
    return max(1e-6, time.process_time() - begun)
