"""What is given away of answers holds no value: no name, id, date or amount, wherever the funder writes it."""

import json
import tomllib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from carefund.funders.dialect import PLAIN, Interfaces
from carefund.funders.interfaces.answer_check import Examination
from carefund.funders.interfaces.file import read_text
from carefund.funders.interfaces.shareable_description import Words, describe

# No word of the file is made of these letters.
NAMES = st.text("wqxzjkvç", min_size=4, max_size=9).map(str.capitalize)
IDS = st.integers(1_000_000, 10**10).map(str)
DATES = st.dates().map(str)
AMOUNTS = st.decimals(-(10**6), 10**6, places=2, allow_nan=False).filter(lambda amount: abs(amount) > 10).map(str)
# A name that stands in a member for codes and nowhere else cannot be told from a code: people read the file.
PLACES = (
    "careRecipientName", "gender", "status", "budgetType", "careCode", "note", "caseManager", "description", "code",
    "x",
)  # fmt: skip


@st.composite
def people(draw: st.DrawFn) -> tuple[Any, Any, list[str]]:
    """The answers about somebody, and all values in them that are theirs."""
    first, last, key, day, amount = (draw(kind) for kind in (NAMES, NAMES, IDS, DATES, AMOUNTS))
    private = [first, last, key, day, amount.lstrip("-")]
    anything = st.sampled_from((first, last, f"{first} {last}", key, day, amount))
    extra = draw(st.dictionaries(st.sampled_from(PLACES), anything, max_size=6))
    keyed = {draw(anything): draw(anything)}
    summary = {
        "careRecipientId": key, "firstName": first, "lastName": last, "birthDate": day, **extra,
        "classifications": [{"startDate": day, "status": "ACTIVE", "level": draw(anything), **keyed}],
    }  # fmt: skip
    number = draw(st.sampled_from((amount, float(amount), None)))
    budget = {"budgetId": key, "used": number, "startDate": day, "status": "OPEN", **extra, "byPerson": keyed, **keyed}
    shape = draw(st.sampled_from(("bare", "wrapped", "keyed")))
    budgets = {"bare": [budget], "wrapped": {"rows": [budget]}, "keyed": {key: [budget]}}[shape]
    return summary, budgets, private


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.lists(people(), min_size=1, max_size=4))
def test_no_name_id_date_or_amount_survives(group: list[tuple[Any, Any, list[str]]]) -> None:
    examination, words = Examination(PLAIN, {}), Words()
    for summary, budgets, _ in group:
        for operation, answer in (("care_recipient_summary", summary), ("budgets_by_care_recipient", budgets)):
            words.add(answer)
            examination.add(operation, json.dumps(answer).encode())
    text = describe([(examination, Interfaces())], words)
    report = f"{examination.unknown}{examination.lines}{examination.absent_members}{examination.undecoded}"
    for value in {value for *_, private in group for value in private}:
        assert value.casefold() not in text.casefold()
        assert value.replace("-", "") not in text
        assert not any(letter.isdigit() for letter in value) or value not in report, "a report names no id or date"
    described = tomllib.loads(text)
    assert described["seen"]["CareRecipientSummary"]["members"]["careRecipientId"]["kinds"] == ["text of digits"]


def test_what_remains_says_how_answers_are_written() -> None:
    budgets = [
        {"budgetId": "7000001", "used": "-5.00", "status": "OPEN", "startDate": "31/01/2026", "extraStatus": "DONE"},
        {"budgetId": "7000002", "used": "-6.00", "status": "CLOSED", "startDate": "01/02/2026", "a": 1, "b": 2},
    ]
    examination, words = Examination(PLAIN, {}), Words()
    words.add(budgets)
    examination.add("budgets_by_care_recipient", json.dumps({"data": {"rows": budgets}}).encode())
    text = describe([(examination, Interfaces())], words)
    document = tomllib.loads(text)
    members = document["seen"]["Budget"]["members"]
    assert members["used"] == {
        "is": "used", "kinds": ["text of a number"], "length": "5 to 10", "present": "always",
    }  # fmt: skip
    assert members["status"]["codes"] == ["CLOSED", "OPEN"]
    assert members["extraStatus"] == {
        "kinds": ["text"], "length": "up to 4", "codes": ["DONE"], "present": "sometimes",
    }  # fmt: skip
    assert (members["startDate"]["kinds"], members["startDate"]["format"]) == (["date"], "dd/MM/yyyy")
    assert document["seen"]["Budget"]["together"] == [["a", "b"]]
    spoken = read_text(text, "shared.toml")["services-australia"]
    assert dict(spoken.dialect.envelopes) == {"budgets_by_care_recipient": "data.rows"}
    assert spoken.dialect.date_format == "dd/MM/yyyy"
