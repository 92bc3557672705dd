"""What a field can hold: whatever is sent is kept as it can be shown, or refused by field and kind of fault."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from carefund.funders.bounds import Bounds
from carefund.funders.decoding import RowReader
from carefund.funders.errors.answers import BadField, ImpossibleValue, NotJson, TooDeep, WrongType
from carefund.funders.errors.requests import RequestRejected
from carefund.funders.ndia.partner_payloads import PartnerBudget
from carefund.funders.ndia.payloads import BudgetTree, PlanRow
from carefund.funders.services_australia.claim_payloads import (
    ClaimPayload,
    InvoicePayload,
    PaymentItem,
    PaymentStatement,
)
from carefund.funders.services_australia.payloads import (
    Budget,
    BudgetDetails,
    CareRecipientSummary,
    IndividualContribution,
)

BUDGETS = RowReader(Budget)
DETAILS = RowReader(BudgetDetails)
CONTRIBUTIONS = RowReader(IndividualContribution)
STATEMENTS = RowReader(PaymentStatement)
TREE = b'{"bgt_typ_lvl_dtls":[{"plan_management":[{"funded_supports":[{"approved_amount":1e13}]}]}]}'
LARGE = (
    "1e13",
    "10000000000000",
    "-1e13",
    "1e400",
    "123456789012345678901234567890",
    "100000000000.01",
    "9" * 5000,
    "1e1000001",
)
NO_NUMBERS = ("NaN", "Infinity", "-Infinity", '"NaN"', '"Infinity"', '"sNaN"', "1e999999999999999999999")


def with_total(text: str) -> bytes:
    return f'[{{"budgetId":"1","total":{text}}}]'.encode()


@pytest.mark.parametrize("text", [*LARGE, *NO_NUMBERS])
@pytest.mark.parametrize("loosely", [False, True])
def test_an_amount_that_cannot_be_right_is_refused_by_its_field(text, loosely):
    body = with_total(text)
    with pytest.raises(ImpossibleValue) as caught:
        BUDGETS.read_rows(body.replace(b'"total"', b'"amountUsed"') if loosely else body, "x")
    assert caught.value.field == ("used" if loosely else "total")
    assert text.strip('"') not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("100000000000", "100000000000"),
        ("-100000000000.00", "-100000000000.00"),
        ("1e3", "1000.00"),
        ("0.005", "0.00"),
        ("0.015", "0.02"),
        ("0.123456789012345678901234567890", "0.12"),
        ("99999999999.999", "100000000000.00"),
        ("5", "5"),
        ("5.1", "5.1"),
        ("1e-1000001", "0.00"),
        ("0." + "3" * 5000, "0.33"),
        ('"7.125"', "7.12"),
    ],
)
def test_an_amount_has_two_decimals_after_rounding_half_to_even(text, amount):
    assert str(BUDGETS.read_rows(with_total(text), "x")[0].total) == amount


@pytest.mark.parametrize("text", ["1e9", "1000000000", "-1001", '"NaN"'])
def test_a_percentage_that_cannot_be_right_is_refused_by_its_field(text):
    with pytest.raises(ImpossibleValue, match="everydayLivingPercentage"):
        CONTRIBUTIONS.read_rows(f'[{{"everydayLivingPercentage":{text}}}]'.encode(), "x")


@pytest.mark.parametrize("day", ["0001-01-02", "1899-12-31", "2201-01-01", "9999-12-30"])
@pytest.mark.parametrize(
    "body", ['[{{"budgetId":"1","endDate":"{}"}}]', '{{"rows":[{{"budgetId":1,"endDate":"{}"}}]}}']
)
def test_a_day_before_1900_or_after_2200_is_refused_by_its_field(day, body):
    with pytest.raises(ImpossibleValue) as caught:
        BUDGETS.read_rows(body.format(day).encode(), "x")
    assert (caught.value.field, day in str(caught.value)) == ("endDate", False)


@pytest.mark.parametrize("day", ["1900-01-01", "2200-12-31"])
def test_the_first_and_the_last_day_are_days(day):
    row = BUDGETS.read_rows(f'[{{"budgetId":"1","startDate":"{day}"}}]'.encode(), "x")[0]
    assert row.start_date == date.fromisoformat(day)


def test_the_last_day_of_all_is_no_end_and_no_beginning():
    body = '[{{"budgetId":"1","{}":"9999-12-31"}}]'
    assert BUDGETS.read_rows(body.format("endDate").encode(), "x")[0].end_date is None
    with pytest.raises(ImpossibleValue, match="startDate"):
        BUDGETS.read_rows(body.format("startDate").encode(), "x")


@pytest.mark.parametrize("length", [300, 10_000, 10_000_000])
@pytest.mark.parametrize("field", ["budgetId", "careRecipientName", "status", "updatedAtDateTime"])
def test_a_text_that_no_column_holds_is_refused_by_its_field(field, length):
    row = {"budgetId": "1", field: "x" * length}
    with pytest.raises(ImpossibleValue, match=f"The field {field} is longer than \\d+ characters") as caught:
        BUDGETS.read_rows(msgspec.json.encode([row]), "x")
    assert (caught.value.field, "xxx" in str(caught.value)) == (field, False)


@pytest.mark.parametrize("text", ["\\u0000", "A\\u0000B", "\\ud800", "A\\udfffB", "\\ud83d"])
@pytest.mark.parametrize("reader", [BUDGETS, DETAILS])
def test_a_character_that_cannot_be_kept_is_refused_by_its_field(reader, text):
    body = f'{{"budgetId":"1","careRecipientName":"{text}"}}'.encode()
    with pytest.raises(ImpossibleValue) as caught:
        reader.read_one(body, "x")
    assert caught.value.field == "careRecipientName"


@pytest.mark.parametrize("text", ["\\ud83d\\ude00", "a\\\\u0000b", "\\u00e9"])
def test_any_other_character_is_kept(text):
    body = f'[{{"budgetId":"1","careRecipientName":"{text}"}}]'.encode()
    expected = {"\\ud83d\\ude00": "😀", "a\\\\u0000b": "a\\u0000b", "\\u00e9": "é"}[text]
    assert BUDGETS.read_rows(body, "x")[0].care_recipient_name == expected


@pytest.mark.parametrize("levels", [1_000, 100_000])
@pytest.mark.parametrize("opened", ["[", '{"a":'])
def test_what_is_nested_too_deeply_is_skipped_or_refused(opened, levels):
    deep = opened * levels + "1" + ("]" if opened == "[" else "}") * levels
    for body in (f'[{{"budgetId":"1","somethingNew":{deep}}}]', f'[{{"budgetId":1,"usage":{deep}}}]', deep):
        with pytest.raises((TooDeep, WrongType)):
            DETAILS.read_rows(body.encode(), "x")


@pytest.mark.parametrize("text", ["NaN", "1e400", '"\\ud800"', "9" * 5000, '"\\u0000"', "1e999999999999999999999"])
def test_what_nobody_asks_for_does_no_harm(text):
    body = f'[{{"budgetId":1,"somethingNew":{text},"total":5}}]'.encode()
    assert BUDGETS.read_rows(body, "x")[0].total == Decimal(5)


@pytest.mark.parametrize("text", ["9" * 50, "1e5000", "NaN"])
def test_a_number_that_is_none_becomes_no_id(text):
    with pytest.raises(BadField, match="budgetId"):
        BUDGETS.read_rows(f'[{{"budgetId":{text}}}]'.encode(), "x")


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        (CareRecipientSummary, b'{"careRecipientId":"4","supplements":[{"endDate":"0901-01-01"}]}',
         "supplements.endDate"),
        (BudgetDetails, b'{"budgetId":"1","entitlements":[],"usage":[{"amount":1e13}]}', "usage.amount"),
        (BudgetDetails, b'{"budgetId":"1","usage":[{"description":"\\u0000"}]}', "usage.description"),
        (InvoicePayload, b'{"invoiceId":"1","items":[{"itemId":"1","quantity":1e300}]}', "items.quantity"),
        (ClaimPayload, b'{"claimId":"1","paymentDate":"9000-01-01"}', "paymentDate"),
        (PaymentStatement, b'{"claimTotal":"NaN"}', "claimTotal"),
        (PaymentItem, b'{"itemId":"1","paymentAmount":1e40}', "paymentAmount"),
        (PlanRow, b'{"plan_end_date":"9876-01-01"}', "plan_end_date"),
        (BudgetTree, TREE, "bgt_typ_lvl_dtls.plan_management.funded_supports.approved_amount"),
        (PartnerBudget, b'{"type":"PACE","spentAmount":"Infinity"}', "spentAmount"),
    ],
)  # fmt: skip
def test_the_bounds_hold_for_every_funder_and_the_way_to_the_field_is_told(kind, body, field):
    with pytest.raises(ImpossibleValue) as caught:
        RowReader(kind).read_one(body, "x")
    assert caught.value.field == field


def test_an_amount_without_bounds_is_an_error_of_ours():
    class Unbounded(msgspec.Struct):
        amount: Decimal | None = None

    with pytest.raises(TypeError, match="amount"):
        Bounds(Unbounded)


@pytest.mark.parametrize(
    "beside",
    [
        '"errors":[]',
        '"warnings":[],"errors":[]',
        '"warnings":["The service is slow today."]',
        '"errors":null,"total":1',
    ],
)
def test_lists_beside_the_rows_are_of_no_interest(beside):
    body = f'{{{beside},"budgets":[{{"budgetId":"1"}},{{"budgetId":"2"}}]}}'.encode()
    assert [row.budget_id for row in BUDGETS.read_rows(body, "x")] == ["1", "2"]


@pytest.mark.parametrize(
    "body", [b'{"budgets":[]}', b'{"budgets":[],"errors":[]}', b'{"careRecipientId":"4","rows":[]}']
)
def test_an_empty_list_with_another_beside_it_is_no_rows(body):
    assert BUDGETS.read_rows(body, "x") == []
    assert CONTRIBUTIONS.read_rows(body, "x") == []


def test_two_lists_of_records_are_refused_rather_than_guessed():
    body = b'{"open":[{"budgetId":"1"}],"closed":[{"budgetId":"2"}]}'
    with pytest.raises(WrongType, match="returned several"):
        BUDGETS.read_rows(body, "x")


def test_complaints_without_rows_are_a_refusal():
    with pytest.raises(RequestRejected):
        BUDGETS.read_rows(b'{"budgets":[],"errors":[{"code":"9007","message":"No."}]}', "x")


@pytest.mark.parametrize("body", [b"{}", b'{"status_text":"ok"}', b'{"message":"hello"}'])
def test_an_object_without_anything_known_is_no_row(body):
    with pytest.raises(WrongType):
        CONTRIBUTIONS.read_rows(body, "x")


def test_one_record_with_an_empty_list_beside_its_members_is_that_record():
    body = b'{"claimTotal":12.50,"warnings":[]}'
    assert STATEMENTS.read_one(body, "x").claim_total == Decimal("12.50")


def test_a_mark_of_byte_order_is_no_part_of_the_answer():
    assert BUDGETS.read_rows(b'\xef\xbb\xbf[{"budgetId":"1"}]', "x")[0].budget_id == "1"


def test_half_an_answer_in_another_spelling_is_read_where_only_some_rows_use_it():
    body = b'[{"budgetId":"1","used":-1.00},{"budgetId":"2","amountUsed":-2.00}]'
    assert [row.used for row in BUDGETS.read_rows(body, "x")] == [Decimal("-1.00"), Decimal("-2.00")]


def test_a_page_of_nothing_is_no_json():
    with pytest.raises(NotJson):
        BUDGETS.read_rows(b" \n", "x")
