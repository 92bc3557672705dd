"""Stored rows of NDIS plans on PACE."""
