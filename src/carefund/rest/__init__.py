"""The REST interface and its OpenAPI description, for other systems. No rules here."""
