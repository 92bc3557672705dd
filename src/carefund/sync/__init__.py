"""The engine: fetch, compare, apply. It knows the funders and the memory, and neither runs nor pages."""
