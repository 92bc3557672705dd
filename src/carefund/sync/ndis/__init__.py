"""Fetch, compare, apply for NDIS plans on PACE."""
