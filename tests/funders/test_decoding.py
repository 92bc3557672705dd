"""Decoding: strict and fast as expected, patient with other spellings, and never telling a value."""

import contextlib
from datetime import date
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carefund.funders.decoding import RowReader, UnreadableRow
from carefund.funders.errors.answers import BadAnswer, ImpossibleValue, NotJson, WrongCharacters, WrongType
from carefund.funders.errors.outages import Incomplete
from carefund.funders.errors.people import NotFound
from carefund.funders.errors.requests import RequestRejected
from carefund.funders.errors.root import FunderError
from carefund.funders.services_australia.payloads import (
    Budget,
    BudgetDetails,
    CareRecipientSummary,
    Classification,
    IndividualContribution,
)
from carefund.plain_numbers import read_scientific

BUDGETS = RowReader(Budget)
DETAILS = RowReader(BudgetDetails)
SUMMARIES = RowReader(CareRecipientSummary)
CONTRIBUTIONS = RowReader(IndividualContribution)
SECRET = "Zebediah"


def budget(**members):
    return msgspec.json.encode([{"budgetId": "1", **members}])


def test_money_is_decimal_to_the_cent_from_a_number():
    body = b'[{"budgetId":"254400000017","total":16757.56,"used":-50.00,"available":16707.56,"writeOff":0}]'
    row = BUDGETS.read_rows(body, "x")[0]
    assert (row.total, row.used, row.available) == (Decimal("16757.56"), Decimal("-50.00"), Decimal("16707.56"))
    assert row.rollover_deduction is None
    assert row.end_date is None


def test_money_is_decimal_from_a_text_too():
    assert BUDGETS.read_rows(budget(total="8085.33"), "x")[0].total == Decimal("8085.33")


def test_money_in_the_patient_way_loses_nothing_to_binary_fractions():
    body = b'{"budgets": [{"budgetId": 17, "total": 0.1, "available": 1234567890.12}]}'
    row = BUDGETS.read_rows(body, "x")[0]
    assert (row.budget_id, row.total, row.available) == ("17", Decimal("0.1"), Decimal("1234567890.12"))


def test_an_installations_own_spelling_stands_beside_those_of_the_type():
    readers = {
        name: RowReader(kind, {"Budget.used": ("amountSpent", "spent"), "Classification.level": ("levelCode",)})
        for name, kind in {"budgets": Budget, "details": BudgetDetails, "summaries": CareRecipientSummary}.items()
    }
    for spelling in ("amountSpent", "spent", "amountUsed", "used"):
        body = budget(**{spelling: -5})
        assert readers["budgets"].read_rows(body, "x")[0].used == Decimal(-5)
        assert readers["details"].read_one(body, "x").used == Decimal(-5)
    summary = b'{"careRecipientId": "1", "classifications": [{"levelCode": 6}]}'
    assert readers["summaries"].read_one(summary, "x").classifications == (Classification(level="6"),)


def test_readers_of_different_types_describe_themselves_differently_and_name_members_types_and_spellings():
    descriptions = {reader.description for reader in (BUDGETS, DETAILS, SUMMARIES, CONTRIBUTIONS)}
    assert len(descriptions) == 4
    assert "used=used|amountUsed:Decimal Within(" in BUDGETS.description
    assert BUDGETS.description != RowReader(Budget, {"Budget.used": ("spent",)}).description


def test_unknown_members_are_ignored():
    assert BUDGETS.read_rows(budget(somethingNew={"a": [1]}), "x")[0].budget_id == "1"


@pytest.mark.parametrize("blank", ["", "0000-00-00", "0001-01-01", "0000-00-00T00:00:00.000Z", None])
def test_a_date_that_is_none_is_none(blank):
    assert BUDGETS.read_rows(budget(endDate=blank, startDate="2026-07-01"), "x")[0].end_date is None


def test_blank_dates_inside_lists_are_none():
    body = b'{"budgetId":"1","entryDate":"","entitlements":[{"itemCode":"ON_RATE_4","endDate":""}],"usage":null}'
    details = DETAILS.read_one(body, "x")
    assert details.entitlements[0].end_date is None
    assert details.usage == ()


def test_a_date_dressed_as_midnight_is_a_date():
    row = BUDGETS.read_rows(budget(startDate="2026-07-01T00:00:00.000Z"), "x")[0]
    assert row.start_date == date(2026, 7, 1)


def test_null_text_is_empty_text():
    assert BUDGETS.read_rows(budget(careRecipientId=None), "x")[0].care_recipient_id == ""


def test_a_level_sent_as_a_number_is_text():
    body = b'{"careRecipientId": 400000017, "classifications": [{"level": 4, "startDate": "2026-07-01"}]}'
    summary = SUMMARIES.read_one(body, "x")
    assert summary.care_recipient_id == "400000017"
    assert summary.classifications == (Classification(level="4", start_date=date(2026, 7, 1)),)


@pytest.mark.parametrize(
    ("member", "attribute"),
    [
        (other, attribute)
        for attribute, others in Budget.other_spellings.items()
        for other in others
        if "created" not in attribute and "updated" not in attribute
    ],
)
def test_other_spellings_of_amounts_are_understood(member, attribute):
    assert getattr(BUDGETS.read_rows(budget(**{member: -7.5}), "x")[0], attribute) == Decimal("-7.5")


def test_other_spellings_hold_for_the_details_of_a_budget_too():
    body = b'{"budgetId":"1","amountUsed":-3,"usage":[{"amount":-3,"updatedAt":"2026-07-01T00:00:00Z"}]}'
    details = DETAILS.read_one(body, "x")
    assert details.used == Decimal(-3)
    assert details.usage[0].updated_at_date_time == "2026-07-01T00:00:00Z"


def test_an_object_around_the_array_is_opened():
    body = b'{"careRecipientId": "4", "individualContributions": [{"independencePercentage": 5.00}]}'
    assert CONTRIBUTIONS.read_rows(body, "x")[0].independence_percentage == Decimal("5.00")


def test_a_bare_object_is_one_row():
    assert len(BUDGETS.read_rows(b'{"budgetId": "1", "total": 5}', "x")) == 1


def test_one_record_in_an_array_is_that_record():
    assert SUMMARIES.read_one(b'[{"careRecipientId": "4"}]', "x").care_recipient_id == "4"


def test_one_record_of_none_is_not_found():
    with pytest.raises(NotFound):
        SUMMARIES.read_one(b"[]", "x")


def test_two_records_for_one_are_refused():
    with pytest.raises(WrongType):
        SUMMARIES.read_one(b'[{"careRecipientId": "4"}, {"careRecipientId": "5"}]', "x")


def test_not_found_sent_as_a_success_is_not_found():
    with pytest.raises(NotFound):
        BUDGETS.read_rows(b'{"code": 1, "codeType": "DHSEIN", "message": "Not found"}', "x")


def test_a_business_error_sent_as_a_success_is_an_error():
    with pytest.raises(RequestRejected):
        BUDGETS.read_rows(b'{"code": "7", "codeType": "DHSEIN", "message": "No", "errors": []}', "x")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", NotJson),
        (b"<html></html>", NotJson),
        (b'\xff["', NotJson),
        (b'[{"budgetId": "1"', Incomplete),
        (b'[{"budgetId": "\xff"}]', WrongCharacters),
        (b"[1}", NotJson),
        (b"7", WrongType),
        (b"[7]", WrongType),
        (b"null", WrongType),
    ],
)
def test_what_is_not_an_answer_is_refused(body, expected):
    with pytest.raises(expected):
        BUDGETS.read_rows(body, "x")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (budget(total={"name": SECRET}), "total"),
        (budget(total=SECRET), "total"),
        (budget(endDate=SECRET), "endDate"),
        (budget(status=[SECRET]), "status"),
        (b'[{"careRecipientName": "Zebediah"}]', "budgetId"),
    ],
)
def test_a_wrong_type_names_the_field_and_not_the_value(body, field):
    with pytest.raises(WrongType) as caught:
        BUDGETS.read_rows(body, "budgets_by_care_recipient")
    assert caught.value.field == field
    assert field in str(caught.value)
    assert SECRET not in f"{caught.value!s} {caught.value!r} {caught.value.__cause__}"


def test_a_wrong_type_deep_inside_names_the_way_to_it():
    with pytest.raises(WrongType) as caught:
        DETAILS.read_one(b'{"budgetId": "1", "usage": [{"amount": "a lot"}]}', "x")
    assert caught.value.field == "usage.amount"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["budgetId", "total", "endDate", "usage", "code", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_json_ends_in_rows_or_in_an_error_of_ours(value):
    body = msgspec.json.encode(value)
    for reader in (BUDGETS, DETAILS, CONTRIBUTIONS):
        with contextlib.suppress(FunderError):
            reader.read_rows(body, "x")


@given(st.binary(max_size=40))
def test_any_bytes_end_in_rows_or_in_an_error_of_ours(body):
    with contextlib.suppress(FunderError):
        BUDGETS.read_rows(body, "x")


def test_a_list_of_many_people_leaves_out_whoever_cannot_be_read():
    reader, row = RowReader(Budget), '{"budgetId":"1","careRecipientId":"%s","total":%s}'
    good, bad, nobody = row % ("4", "1.50"), row % ("5", "1e13"), row % ("", '"NaN"')
    one, other = reader.read_list(f"[{good},{bad}]".encode(), "test")
    assert (one.care_recipient_id, one.total) == ("4", Decimal("1.50"))
    assert (type(other), other.care_recipient_id) == (UnreadableRow, "5")
    _, stranger = reader.read_list(f"[{good},{nobody}]".encode(), "test")
    assert (type(stranger), stranger.care_recipient_id) == (UnreadableRow, "")
    for rows in (f"[{bad},{bad}]", '{"a":1}'):
        with pytest.raises(BadAnswer):
            reader.read_list(rows.encode(), "test")


ODD_NUMBERS = [
    "1_000",
    "_5",
    "5_",
    "١٢",
    "１２",
    "\\u0661\\u0662",
    "1\u00a0000",
    "Infinity",
    "-Infinity",
    "NaN",
    "abc",
    "0x1f",
    "²",
]


@pytest.mark.parametrize("text", ODD_NUMBERS)
def test_a_text_that_only_python_takes_for_a_number_is_refused_by_its_field(text: str):
    body = f'{{"budgetId":"1","total":5.00,"used":"{text}"}}'.encode()
    for answer in (b"[" + body + b"]", b'{"budgets":[' + body + b"]}"):
        with pytest.raises((ImpossibleValue, WrongType), match="The field used "):
            BUDGETS.read_rows(answer, "x")
    [good, odd] = BUDGETS.read_list(b'[{"budgetId":"2"},' + body + b"]", "x")
    assert isinstance(good, Budget)
    assert isinstance(odd, UnreadableRow)


@given(st.text("0123456789.eE+-_ ١１\u00a0\\", max_size=8))
def test_both_ways_take_the_same_texts_for_a_number(text: str):
    body = msgspec.json.encode({"budgetId": "1", "total": text})
    found = []
    for answer in (b"[" + body + b"]", b'{"budgets":[' + body + b"]}"):
        try:
            found.append(BUDGETS.read_rows(answer, "x")[0].total)
        except BadAnswer as problem:
            found.append(problem.message)
    assert found[0] == found[1]
    try:
        wanted = read_scientific(text)
    except ValueError:
        assert found[0] in (None, "The field total is not a number.", "The field total has an unexpected type.")
    else:
        assert isinstance(found[0], str) or abs(found[0] - wanted) <= Decimal("0.005")


def test_names_and_codes_that_look_odd_are_no_numbers():
    body = '[{"budgetId":"2_1","careRecipientName":"É","careRecipientId":"_","total":1.50}]'.encode()
    assert BUDGETS.read_rows(body, "x")[0].total == Decimal("1.50")
