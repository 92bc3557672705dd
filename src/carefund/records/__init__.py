"""What is stored: tables, the writers of synced rows, the archive, and every read of it. No network here."""
