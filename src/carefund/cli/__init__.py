"""Door 3: terminals. Each module is one command or one group of them; none holds a rule."""
