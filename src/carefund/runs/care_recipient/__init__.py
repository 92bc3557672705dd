"""Kinds of work for one care recipient's funding."""
