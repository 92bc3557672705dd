"""Pages about one care recipient's funding."""
