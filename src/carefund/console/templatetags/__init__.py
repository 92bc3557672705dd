"""Words and drawings that templates may use."""
