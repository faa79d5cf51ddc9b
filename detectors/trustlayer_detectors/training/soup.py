"""Several passes from one beginning, and the mean of their weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from trustlayer.recipes import Step


def soup(model: nn.Module, passes: Iterable[Iterator[Step]]) -> Iterator[Step]:
    """Train *model* in each of *passes*, the later ones from where the first one ended.

    It is left with the mean of the ends (a model soup, arXiv 2203.05482).
    """
    ends: list[dict[str, Tensor]] = []
    for one in passes:
        if ends:
            model.load_state_dict(ends[0])
        yield from one
        ends.append({key: value.clone() for key, value in model.state_dict().items()})
    model.load_state_dict(mean(ends))


def mean(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of *states*, parameter by parameter."""
    return {key: torch.stack([state[key] for state in states]).mean(0) for key in states[0]}
