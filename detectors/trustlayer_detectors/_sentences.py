"""The core's sentences, under the name by which the detectors know them."""

from trustlayer.sentences import LONGEST, split

__all__ = ["LONGEST", "split"]
