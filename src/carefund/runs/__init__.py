"""Background work, asked for, under way and done. Every trigger ends in `request_run`."""
