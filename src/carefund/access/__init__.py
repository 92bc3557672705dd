"""The gate: who may do what, and who looked at whom. No page and no funder lives here."""
