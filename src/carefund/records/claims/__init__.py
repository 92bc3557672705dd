"""Stored rows of invoices and claims."""
