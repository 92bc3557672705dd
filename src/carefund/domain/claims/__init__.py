"""Rules of claiming: what may be claimed, how far a claim is, what was paid, what was drawn."""
