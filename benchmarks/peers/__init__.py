"""The same work done by others, each a script that runs in an environment of its own. Nothing here imports Carefund."""
