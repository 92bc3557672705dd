"""Care management by API: Service Provider IDs found, pools refreshed, looked at and saved. No rules here."""
