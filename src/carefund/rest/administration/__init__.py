"""Administration by API: accounts, tokens, schedules, connections, interfaces and both logs. No rules here."""
