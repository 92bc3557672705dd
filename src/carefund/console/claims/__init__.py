"""Pages about invoices and claims."""
