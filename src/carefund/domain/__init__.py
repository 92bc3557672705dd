"""The rules. Standard library only: no database, no network, no clock ("today" is an argument)."""
