"""Carefund: keeps each client's government funding in step with what the government says.

docs/tour.md shows the rooms; imports go down only.
"""
