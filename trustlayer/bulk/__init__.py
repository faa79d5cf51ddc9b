"""Examining millions of answers: all cores, files that may be damaged, runs that go on."""

from trustlayer.bulk.blocks import Failure
from trustlayer.bulk.examining import Summary, examine
from trustlayer.bulk.recipes import Recipe

__all__ = ["Failure", "Recipe", "Summary", "examine"]
