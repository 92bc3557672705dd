"""The kinds of funding that a line can be claimed from: their codes, and what people call them."""

FUNDING_SOURCES = {
    "ON": "Home support ongoing",
    "AT": "Assistive technology",
    "HM": "Home modifications",
    "CM": "Care management",
    "RC": "Restorative care",
    "EL": "End of life",
    "AS": "Specified needs",
}


def name_funding(code: str) -> str:
    """Return a code's meaning with the code in brackets, Home support ongoing (ON); an unknown one alone."""
    return f"{FUNDING_SOURCES[code]} ({code})" if code in FUNDING_SOURCES else code
