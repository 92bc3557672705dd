"""The door for machines: the REST interface and its OpenAPI description. No rules here."""
