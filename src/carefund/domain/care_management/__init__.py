"""Rules of care management pools."""
