"""The door for terminals: each command translates, calls a room below, and prints. No rules and no SQL here."""
