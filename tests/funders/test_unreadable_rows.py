"""One row of a list that holds what it cannot costs nothing but itself; what it says of whom it is about is kept."""

import json

import pytest

from carefund.funders.decoding import RowReader
from carefund.funders.errors.answers import BadAnswer, ImpossibleValue, WrongType
from carefund.funders.errors.outages import Incomplete
from carefund.funders.services_australia.claim_payloads import ClaimPayload
from carefund.funders.services_australia.payloads import Budget
from carefund.funders.unreadable import UnreadableRow

BUDGETS, CLAIMS = RowReader(Budget), RowReader(ClaimPayload)
GOOD = {"budgetId": "1", "careRecipientId": "400000001", "total": 5}


def read_with(odd: str) -> list[Budget | UnreadableRow]:
    """A list with a good row on each side of an odd one."""
    good = json.dumps(GOOD)
    return BUDGETS.read_list(f"[{good},{odd},{good}]".encode(), "budget_summary")


@pytest.mark.parametrize(
    ("odd", "person", "said"),
    [
        ('{"budgetId":"2","careRecipientId":"400000002","total":1e13}', "400000002", "total"),
        ('{"budgetId":"2","careRecipientId":"400000002","total":NaN}', "400000002", "total"),
        ('{"budgetId":"2","careRecipientId":"400000002","startDate":"0001-13-45"}', "400000002", "startDate"),
        ('{"budgetId":"2","careRecipientId":"400000002","total":{}}', "400000002", "total"),
        ('{"budgetId":"2","careRecipientId":"' + "4" * 300 + '"}', "", "careRecipientId"),
        ('{"budgetId":"2","careRecipientId":"4\\u0000"}', "", "careRecipientId"),
        ('{"budgetId":"2","careRecipientId":[7]}', "", "careRecipientId"),
        ('{"careRecipientId":"400000002"}', "400000002", "budgetId"),
        ('{"budgetId":"2","total":1e13}', "", "total"),  # a pooled budget names nobody
        ("null", "", "unexpected type"),
        ("[]", "", "unexpected type"),
        ('"text"', "", "unexpected type"),
    ],
)
def test_an_odd_row_costs_itself_and_says_what_is_wrong(odd, person, said):
    first, second, third = read_with(odd)
    assert isinstance(first, Budget)
    assert isinstance(third, Budget)
    assert isinstance(second, UnreadableRow)
    assert second.care_recipient_id == person
    assert said in second.fault
    assert "1e13" not in second.fault
    assert "4444" not in second.fault


@pytest.mark.parametrize("levels", [100, 900, 960, 980, 990, 1100, 100_000])
def test_a_row_that_is_nested_too_deeply_costs_itself(levels):
    deep = "[" * levels + "]" * levels
    odd = f'{{"budgetId":"2","careRecipientId":"400000002","total":{deep},"note":"[{{"}}'
    _, second, _ = read_with(odd)
    assert isinstance(second, UnreadableRow)
    assert second.care_recipient_id == "400000002"
    assert "total" in second.fault
    assert second.content


@pytest.mark.parametrize("opened", ['{"a":', "["])
def test_what_nobody_asks_for_may_be_nested_as_it_likes(opened):
    deep = opened * 100_000 + '"\\"]"' + ("]" if opened == "[" else "}") * 100_000
    rows = read_with(f'{{"budgetId":"2","somethingNew":{deep},"total":7}}')
    assert [row.total for row in rows] == [5, 7, 5]


@pytest.mark.parametrize("body", ["[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 100_000, "[" + "}" * 100_000])
def test_bytes_that_are_nothing_but_deep_are_an_error_of_ours(body):
    with pytest.raises((BadAnswer, Incomplete)):
        BUDGETS.read_list(body.encode(), "budget_summary")


def test_where_no_row_can_be_read_it_is_the_answer_that_is_wrong():
    odd = '{"budgetId":"2","careRecipientId":"400000002","total":{}}'
    with pytest.raises(WrongType):
        BUDGETS.read_list(f"[{odd},{odd}]".encode(), "budget_summary")
    with pytest.raises(WrongType):
        BUDGETS.read_list(b'{"something": "else"}', "budget_summary")
    with pytest.raises(WrongType):
        BUDGETS.read_list(b"[{}]", "budget_summary")


def test_the_one_odd_row_of_a_last_page_costs_itself():
    [row] = BUDGETS.read_list(b'[{"budgetId":"2","careRecipientId":"400000002","total":1e13}]', "budget_summary")
    assert isinstance(row, UnreadableRow)


@pytest.mark.parametrize("claim_id", ["", "a/b", "..", "1 ", "1\n", "²", "<b>", "?x=1", "#"])
def test_what_stands_in_an_address_is_an_id(claim_id):
    with pytest.raises(ImpossibleValue, match="claimId is not an ID"):
        CLAIMS.read_one(json.dumps({"claimId": claim_id}).encode(), "claim_details")


def test_a_text_that_is_left_out_is_known_and_one_that_cannot_be_read_is_not():
    [row] = CLAIMS.read_list(b'[{"claimId":"1","status":{},"serviceNapsId":"' + b"9" * 99 + b'"}]', "claims")
    assert isinstance(row, UnreadableRow)
    assert (row.find_text("claim_id"), row.find_text("organisation_id")) == ("1", "")
    assert (row.find_text("status"), row.find_text("service_naps_id")) == (None, None)


def test_a_row_whose_bytes_are_known_is_not_decoded_and_the_others_are_read_as_in_a_list():
    rows = [f'{{"budgetId":"{number}","total":{number}.5}}' for number in range(1, 5)]
    rows[2] = '{"budgetId":"3","total":1e13}'
    body = f"[{rows[0]}, {rows[1]} ,{rows[2]},{rows[3]}]".encode()
    prints = [hash(row.encode()) for row in rows]
    listed = BUDGETS.read_list(body, "budget_summary")
    for known in ([], prints, prints[:1], prints[1:3], [prints[0], prints[1], prints[3]]):
        found = BUDGETS.read_unknown(body, "budget_summary", lambda raw: hash(bytes(raw)), set(known))
        assert [fingerprint for fingerprint, _ in found] == prints
        assert [row for _, row in found] == [
            None if fingerprint in known else row for fingerprint, row in zip(prints, listed, strict=True)
        ]
    # The one that cannot be read stands among known ones: it costs itself, here too.
    assert isinstance(listed[2], UnreadableRow)


@pytest.mark.parametrize("body", ['{"budgets":[{"budgetId":"1"}]}', '[{"budgetId":"1","total":NaN},{"budgetId":"2"}]'])
def test_where_rows_cannot_be_told_apart_by_their_bytes_each_is_read(body):
    found = BUDGETS.read_unknown(body.encode(), "budget_summary", lambda raw: 1, {1})
    assert found == [(0, row) for row in BUDGETS.read_list(body.encode(), "budget_summary")]
