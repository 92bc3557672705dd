"""How the real interfaces differ from what is publicly known: the file that says so, and what it is made from."""
