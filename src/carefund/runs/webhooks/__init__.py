"""Deliver webhooks: which are due, and how each is sent."""
