"""NDIS by API: contracts, plans from PACE, comparisons, and who is asked about. No rules here."""
