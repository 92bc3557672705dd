"""The door for people: pages, rendered on the server. No rules here; what a page shows comes from records.queries."""
