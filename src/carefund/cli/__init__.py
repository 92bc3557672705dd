"""The command line. Each module is one command or one group of them; none holds a rule."""
