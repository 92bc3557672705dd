"""Pages for people. What a page shows is read in records and runs; what it may show is decided in access."""
