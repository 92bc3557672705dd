"""The sandbox's description of itself, made from what it does."""
