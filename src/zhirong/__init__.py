"""Zhirong (知融): value, finance, trade and supervise patents, with an interval and a source behind every number."""

__version__ = "0.1.0"
__all__ = ["__version__"]
