"""Invoices by file, batches, claims, exceptions, money and quarter close, for other systems. No rules here."""
