"""Alerts as work: looked for every hour, and sent to people by email."""
