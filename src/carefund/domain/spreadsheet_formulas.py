"""Make the cells of CSV files safe: a spreadsheet program runs texts that begin as a formula does."""

import unicodedata

_STARTS = tuple("=+-@|%")
_QUOTE = "'"


def make_plain(text: str) -> str:
    """Return a text that no spreadsheet program takes for a formula: one that might be begins with an apostrophe.

    Programs trim what cannot be seen before they look, and some take full-width signs for the usual ones.
    """
    folded = unicodedata.normalize("NFKC", text)
    seen = folded.lstrip("".join({character for character in folded if is_invisible(character)}))
    return f"{_QUOTE}{text}" if seen.startswith(_STARTS) or text.startswith(("\t", "\r", "\n")) else text


def is_invisible(letter: str) -> bool:
    """Whether a character is white space, a control character or a mark without a width."""
    return letter.isspace() or unicodedata.category(letter) in ("Cc", "Cf") or letter == '"'
