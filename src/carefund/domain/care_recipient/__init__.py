"""Rules of one care recipient's funding."""
