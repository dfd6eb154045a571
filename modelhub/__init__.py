"""A self-hosted, wire-compatible home for the scores API."""

__version__ = "0.1.0"
