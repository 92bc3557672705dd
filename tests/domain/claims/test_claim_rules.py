"""Claim rules as tables: what is refused, how far a claim is, whether a payment adds up."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from carefund.domain.care_recipient.identity import IdentityState
from carefund.domain.claims.checks import (
    ApprovedSpan,
    BudgetSpan,
    ClaimLine,
    StoredFunding,
    check_line,
    find_duplicates,
    next_claim_date,
)
from carefund.domain.claims.matching import Draw, LineState, LineTruth, is_refusal
from carefund.domain.claims.statements import PaidLine, Statement, find_discrepancies
from carefund.domain.claims.statuses import claim_status, invoice_status, later_claim_status
from carefund.domain.periods import Period

D = Decimal
TODAY = date(2026, 8, 20)
KNOWN = StoredFunding(
    services=[ApprovedSpan("SERV-0001", Period(date(2026, 1, 1), None))],
    budgets=[
        BudgetSpan("ON", Period(date(2026, 7, 1), date(2026, 9, 30)), D("500.00")),
        BudgetSpan("ON", Period(date(2026, 4, 1), date(2026, 6, 30)), D("500.00")),
        BudgetSpan("ON", Period(date(2026, 1, 1), date(2026, 3, 31)), D("500.00")),
        BudgetSpan("AT", Period(date(2026, 1, 1), None), D("500.00")),
    ],
)


def a_line(**values) -> ClaimLine:
    given = {
        "key": 1, "care_recipient_id": "400000001", "service_id": "SERV-0001", "delivery_date": date(2026, 7, 9),
        "quantity": D("1.50"), "price_per_unit": D("80.00"),
    }  # fmt: skip
    return ClaimLine(**(given | values))


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ({}, []),
        ({"quantity": D("1.30")}, ["quarter-hours"]),
        ({"quantity": D("1.30"), "unit_type": "hours"}, ["quarter-hours"]),
        ({"quantity": D("1.30"), "unit_type": "item"}, []),
        ({"quantity": D("0")}, ["quantity"]),
        ({"care_recipient_id": ""}, ["no-care-recipient-id"]),
        ({"delivery_date": date(2026, 8, 21)}, ["not-delivered"]),
        ({"service_id": "SERV-0002"}, ["not-approved"]),
        ({"service_id": "SERV-0001|WRAP-005"}, []),
        ({"funding_source": "HM"}, ["no-budget"]),
        ({"delivery_date": date(2026, 6, 30)}, []),
        ({"delivery_date": date(2026, 3, 31)}, ["outside-window"]),
        ({"delivery_date": date(2026, 3, 31), "late_reason": "LR01"}, ["late"]),
        ({"delivery_date": date(2026, 2, 1), "funding_source": "AT"}, []),
        ({"quantity": D(100)}, ["over-budget"]),
    ],
)
def test_a_line_is_refused_for_each_reason_of_its_own(values: dict, codes: list[str]):
    assert [problem.code for problem in check_line(a_line(**values), KNOWN, TODAY)] == codes


def test_the_last_day_of_the_window_still_counts():
    line = a_line(delivery_date=date(2026, 6, 30))
    assert not check_line(line, KNOWN, date(2026, 8, 29))
    assert [problem.code for problem in check_line(line, KNOWN, date(2026, 8, 30))] == ["outside-window"]


def test_more_than_the_budget_has_may_be_claimed():
    [problem] = check_line(a_line(quantity=D(100)), KNOWN, TODAY)
    assert not problem.blocks


def test_someone_never_synchronised_is_a_caution_not_a_refusal():
    problems = check_line(a_line(), StoredFunding(), TODAY)
    assert [(problem.code, problem.blocks) for problem in problems] == [("services-unknown", False)]


@pytest.mark.parametrize(
    ("state", "codes"),
    [
        (IdentityState.DIFFERS, ["identity-differs"]),
        (IdentityState.NOT_FOUND, ["identity-not-found"]),
        (IdentityState.CLOSE, []),
        (IdentityState.IN_STEP, []),
    ],
)
def test_a_name_that_the_funder_has_otherwise_is_a_caution_not_a_refusal(state: IdentityState, codes: list[str]):
    problems = check_line(a_line(), replace(KNOWN, identity=state), TODAY)
    assert [(problem.code, problem.blocks) for problem in problems] == [(code, False) for code in codes]


def test_an_answer_about_another_person_is_said_as_such():
    known = replace(KNOWN, identity=IdentityState.DIFFERS, is_another_person=True)
    [problem] = check_line(a_line(), known, TODAY)
    assert (problem.code, problem.blocks) == ("identity-another-person", False)
    assert "another Care Recipient ID" in problem.message


def test_the_same_line_twice_is_a_duplicate_within_a_batch_and_against_earlier_claims():
    first, second, other = a_line(), a_line(key=2), a_line(key=3, quantity=D("2"))
    assert find_duplicates([first, second, other]) == {2}
    assert find_duplicates([first, other], claimed=[second]) == {1}


def test_a_provider_claims_once_a_day():
    assert next_claim_date(None, TODAY) == TODAY
    assert next_claim_date(date(2026, 8, 19), TODAY) == TODAY
    assert next_claim_date(TODAY, TODAY) == date(2026, 8, 21)


@pytest.mark.parametrize(
    ("held", "reported", "now"),
    [
        ("", "BeingCalculated", "BeingCalculated"),
        ("", "being calculated", "BeingCalculated"),
        ("BeingCalculated", "PENDING APPROVAL", "PendingApproval"),
        ("PendingApproval", "Being Calculated", "PendingApproval"),
        ("BeingCalculated", "Completed", "Completed"),
        ("Approved", "Cancelled", "Cancelled"),
        ("Completed", "Cancelled", "Completed"),
        ("Cancelled", "Approved", "Cancelled"),
        ("Approved", "Under review", "Approved"),
        ("", "Under review", "Under review"),
        ("Under review", "Approved", "Approved"),
    ],
)
def test_a_claim_goes_forward_whatever_the_spelling_and_never_back(held: str, reported: str, now: str):
    assert later_claim_status(held, reported) == now


def test_statuses_are_compared_without_case_and_spaces():
    assert claim_status(" pending  approval ") == "PendingApproval"
    assert invoice_status(" Submitted ") == "SUBMITTED"


STATEMENT = Statement(D("200.00"), D("175.00"), D("0.00"), D("25.00"), D("0.00"), D("0.00"))


def test_a_statement_adds_up_with_its_lines():
    lines = [PaidLine(D("120.00"), D("15.00")), PaidLine(D("80.00"), D("10.00"))]
    assert find_discrepancies(STATEMENT, lines) == []
    assert find_discrepancies(STATEMENT) == []


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        (Statement(D("200"), D("170"), D(0), D(25), D(0), D(0)), 1),
        (Statement(D("200"), D("175"), D(0), D(-25), D(0), D(0)), 0),
        (Statement(D("200"), D("0"), D(0), D(25), D(0), D(175)), 0),
        (Statement(D("200"), D("180"), D(0), D(25), D(5), D(0)), 0),
        (Statement(None, D("180")), 1),
    ],
)
def test_held_over_amounts_and_signs_belong_to_the_sum(statement: Statement, number: int):
    assert len(find_discrepancies(statement)) == number


def test_lines_that_do_not_come_to_the_claim_total_are_told():
    assert len(find_discrepancies(STATEMENT, [PaidLine(D("190.00"), D("20.00"))])) == 2


def test_a_line_drawn_from_two_budgets_counts_both():
    draws = [Draw("261", "ON", D("-70.00")), Draw("9000", "AT", D("-50.00"))]
    truth = LineTruth(D("120.00"), draws, approved_date=date(2026, 8, 18))
    assert (truth.drawn, truth.difference, truth.state(TODAY)) == (D("120.00"), D(0), LineState.DRAWN)


@pytest.mark.parametrize(
    ("truth", "state"),
    [
        (LineTruth(D(10), is_claimed=False), LineState.NOT_CLAIMED),
        (LineTruth(D(10)), LineState.WAITING),
        (LineTruth(D(10), approved_date=date(2026, 8, 19)), LineState.USAGE_AWAITED),
        (LineTruth(D(10), approved_date=date(2026, 8, 10)), LineState.NO_USAGE),
        (LineTruth(D(10), [Draw("1", "ON", D(-9))], approved_date=date(2026, 8, 10)), LineState.DIFFERENT),
        (LineTruth(D(10), approved_date=date(2026, 8, 10), is_refused=True), LineState.REFUSED),
        (LineTruth(D(10), [Draw("1", "ON", D(-10))], is_refused=True), LineState.REVERSED),
    ],
)
def test_a_line_says_where_it_stands(truth: LineTruth, state: LineState):
    assert truth.state(TODAY) is state


@pytest.mark.parametrize(
    ("word", "refused"), [("REJECTED", True), ("Refused", True), ("PAID", False), ("", False), ("Odd", False)]
)
def test_only_a_word_of_refusal_is_one(word: str, refused: bool):
    assert is_refusal(word) is refused
