"""A funder's own words about a refusal without the values in them, for reports that people pass on. Pure.

The words say what is wrong, and may say of whom: "Recipient 400000003 has no service on 12/05/2026". What has a digit
is left out, but for codes of services, and so are the names that the caller knows, in any case and spelling.
"""

import re
from collections.abc import Collection, Iterator

from carefund.domain.care_recipient.identity import join_name
from carefund.funders.errors.root import FunderError

LEFT_OUT = "…"
_LETTER = r"(?:[^\W_][\u0300-\u036f]*)"  # with the marks that follow a letter where a text was decomposed
_WORD = re.compile(rf"{_LETTER}+(?:['`´‘’ʼʻ′＇]{_LETTER}+)*")
# What stands between spaces, but for the signs that belong to the sentence.
_PART = re.compile(r"""[^\s"'“”‘’()\[\]{}<>;=|,]+(?:,\d[^\s"'“”‘’()\[\]{}<>;=|,]*)*""")
_ENDS = ".:!?"
_MONTHS = "jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec"
_WRITTEN_DAY = re.compile(
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?[\s-]+(?:of\s+)?(?:{_MONTHS})[a-z]*\b\.?(?:[\s,-]+\d{{2,4}}\b)?"
    rf"|\b(?:{_MONTHS})[a-z]*\b\.?\s+\d{{1,4}}(?:st|nd|rd|th)?\b(?:[\s,]+\d{{2,4}}\b)?",
    re.IGNORECASE,
)
_SERVICE = re.compile(r"SER[GTV]-\d{4}", re.ASCII)  # in a sentence any other word with a digit may be an id
_CODE = re.compile(r"[A-Za-z]*[-_]?\d{1,4}", re.ASCII)  # a code of the funder's, where a code is expected
_SHORTEST_NAME = 2


def without_values(text: str, names: Collection[str] = ()) -> str:
    """The text without ids, dates, amounts and addresses, and without the words of these names."""
    folded = {join_name(word) for name in names for word in (name, *_WORD.findall(name))}
    private = {word for word in folded if len(word) >= _SHORTEST_NAME}
    said = _WRITTEN_DAY.sub(LEFT_OUT, text)
    said = _WORD.sub(lambda word: LEFT_OUT if join_name(word[0]) in private else word[0], said)
    said = _PART.sub(lambda part: _without_value(part[0]), said)
    return re.sub(rf"{LEFT_OUT}(?:[\s,-]*{LEFT_OUT})+", LEFT_OUT, said)


def _without_value(part: str) -> str:
    kept = part.rstrip(_ENDS)
    is_value = "@" in kept or any(letter.isdigit() for letter in kept)
    return LEFT_OUT + part[len(kept) :] if is_value and not _SERVICE.fullmatch(kept) else part


def describe_refusal(problem: FunderError, names: Collection[str] = ()) -> str:
    """What the funder said of a refusal, each complaint with its code, without a value; "" if it said nothing."""
    return "; ".join(dict.fromkeys(_describe_details(problem, names)))


def _describe_details(problem: FunderError, names: Collection[str]) -> Iterator[str]:
    for detail in problem.details:
        known_by = [
            f"{title}{without_values(said, names)}"
            for title, said in (("", detail.code_type), ("field ", detail.field))
            if said
        ]
        if detail.code:
            is_short = bool(_CODE.fullmatch(detail.code))
            known_by.insert(0, f"code {detail.code if is_short else without_values(detail.code, names)}")
        words = without_values(detail.message, names)
        where = f"({', '.join(known_by)})" if known_by else ""
        if words or where:
            yield f"{words} {where}".strip()
