"""Kinds of work for care management pools."""
