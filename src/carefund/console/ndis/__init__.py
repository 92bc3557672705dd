"""The console's NDIS pages: switches, the + NDIS PACE dialog, contracts, re-sync, comparing many. No rules here."""
