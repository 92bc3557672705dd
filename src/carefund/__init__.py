"""Carefund: keeps each client's government funding in step with what the government says.

docs/tour.md shows the packages; imports go down only.
"""
