"""Memory: tables, the only writer of synced rows, the archive, and every read a door needs. No network here."""
