"""Stored rows of care management pools."""
