"""Kinds of work for invoices and claims."""
