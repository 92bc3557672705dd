"""Kinds of work for NDIS plans on PACE."""
