"""An account ties to our claims, or the cents that do not are named. Source: rule CLAIM-13."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carefund.domain.claims.accounts import Issue, Movement, PaidClaim, StatedAccount, tie

pytestmark = pytest.mark.one_database
CENTS = st.integers(-500_000, 500_000).map(lambda number: Decimal(number) / 100)
SOME = st.none() | CENTS
IDS = st.sampled_from(["", "C1", "C2", "C3", "C4"])
MOVEMENTS = st.lists(st.builds(Movement, IDS, st.just("Claim"), SOME, SOME), max_size=6)
ACCOUNTS = st.builds(StatedAccount, SOME, SOME, SOME, MOVEMENTS)
CLAIMS = st.lists(
    st.builds(PaidClaim, IDS.filter(bool), CENTS, SOME), max_size=4, unique_by=lambda claim: claim.claim_id
)


def dollars(text: str) -> Decimal:
    return Decimal(text)


def account(**changes: object) -> StatedAccount:
    """A month in which 3.00 were held over, a claim of 200.00 came, 200.00 were paid and 3.00 stayed."""
    moved = [Movement("C1", "Claim", dollars("200.00"), dollars("200.00"))]
    return StatedAccount(**({"opening": dollars("3.00"), "paid": dollars("200.00"), "closing": dollars("3.00"),
                       "movements": moved} | changes))  # type: ignore[arg-type]  # fmt: skip


OURS = PaidClaim("C1", dollars("200.00"), dollars("200.00"))


@given(ACCOUNTS, CLAIMS, st.sets(IDS), SOME)
def test_the_causes_come_to_the_difference_whatever_was_sent(
    stated: StatedAccount, claims: list[PaidClaim], others: set[str], before: Decimal | None
):
    found = tie(stated, claims, others, before)
    assert sum((cause.amount for cause in found.causes), Decimal(0)) == found.difference
    assert all(cause.amount for cause in found.causes), "none of nothing"
    assert all(finding.sentence for finding in found.findings)


def test_what_ties_says_nothing():
    found = tie(account(), [OURS], (), dollars("3.00"))
    assert found.ties
    assert (found.due, found.expected, found.difference) == (dollars("200.00"), dollars("3.00"), 0)


@pytest.mark.parametrize(
    ("changes", "claims", "before", "issue", "amount"),
    [
        ({}, [], None, Issue.UNKNOWN, "200.00"),
        ({}, [OURS, PaidClaim("C2", dollars("7.15"), None)], None, Issue.MISSING, "-7.15"),
        ({}, [PaidClaim("C1", dollars("199.99"), dollars("200.00"))], None, Issue.AMOUNT, "0.01"),
        ({}, [PaidClaim("C1", dollars("200.00"), dollars("190.00"))], None, Issue.PAID, "10.00"),
        ({"closing": dollars("3.05")}, [OURS], None, Issue.ARITHMETIC, "0.05"),
        ({"paid": dollars("199.00"), "closing": dollars("4.00")}, [OURS], None, Issue.PAYMENTS, "-1.00"),
        ({}, [OURS], dollars("2.50"), Issue.OPENING, "0.50"),
        ({"opening": None, "closing": dollars("0.00")}, [OURS], None, Issue.NOT_STATED, "0.00"),
    ],
)
def test_each_way_not_to_tie_is_named_to_the_cent(
    changes: dict[str, object], claims: list[PaidClaim], before: Decimal | None, issue: Issue, amount: str
):
    [finding] = tie(account(**changes), claims, (), before).findings
    assert (finding.issue, finding.amount) == (issue, dollars(amount))


def test_a_movement_without_a_claim_is_named_by_its_words():
    moved = [*account().movements, Movement("", "Recovery", dollars("-20.00"), dollars("0.00"))]
    [finding] = tie(account(movements=moved, closing=dollars("-17.00")), [OURS], (), None).findings
    assert finding.sentence == "−$20.00 without a claim: Recovery."


def test_a_claim_that_another_month_has_is_not_missed_in_this_one():
    later = PaidClaim("C2", dollars("80.00"), dollars("80.00"))
    assert tie(account(), [OURS, later], {"C2"}, None).ties
    assert not tie(account(), [OURS, later], (), None).ties


def test_a_claim_that_stands_twice_in_the_account_is_its_amount_too_much():
    twice = [*account().movements, *account().movements]
    found = tie(account(movements=twice, paid=dollars("400.00")), [OURS], (), None)
    assert [(finding.issue, finding.amount) for finding in found.causes] == [(Issue.AMOUNT, dollars("200.00"))]
