"""Stored rows of one care recipient's funding."""
