"""Metrics of other libraries as detectors, in one line: ``as_detector(metric)``.

A function in the way of TruLens (``relevance(prompt, response) -> float``), a metric object in
the way of DeepEval (``measure(test_case)``, ``score``, ``reason``), or any other callable. None
of these libraries is imported unless its own objects come in.
"""

from trustlayer_metrics.detectors import as_detector

__all__ = ["as_detector"]
