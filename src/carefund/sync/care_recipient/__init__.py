"""Fetch, compare, apply for one care recipient's funding."""
