"""Django's own backend for SQLite, with decimals that can always be read. Named by settings.py."""
