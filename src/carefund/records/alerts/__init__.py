"""Alerts: found in what is stored, and kept from when each began until it ended."""
