"""Webhooks: which systems are told, what is to be told, and what came of each attempt. No network."""
