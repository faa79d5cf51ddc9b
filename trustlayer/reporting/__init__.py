"""Reports for people: all of them gathered, and written as one HTML page."""

from trustlayer.reporting.book import Book, gather
from trustlayer.reporting.page import fragments, render, stylesheet

__all__ = ["Book", "fragments", "gather", "render", "stylesheet"]
