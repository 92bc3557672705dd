"""Pages about care management pools."""
