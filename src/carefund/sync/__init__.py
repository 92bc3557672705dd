"""The engine: fetch, compare, apply, for one person. Transactions open only after everything is fetched."""
