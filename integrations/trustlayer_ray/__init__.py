"""Millions of answers examined on a Ray cluster: over Ray Data, or from files in order."""

from trustlayer_ray.cluster import Cluster
from trustlayer_ray.datasets import examine

__all__ = ["Cluster", "examine"]
