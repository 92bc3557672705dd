"""Fetch, compare, apply for care management pools."""
