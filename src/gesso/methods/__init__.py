"""STYLE → CARD: a room for each paper."""

from __future__ import annotations

from gesso.methods.registry import load, load_class, methods, register

__all__ = ["load", "load_class", "methods", "register"]
