"""Asura: a self-hosted uptime monitor in one daemon and one SQLite file."""

__version__ = "0.1.0"
