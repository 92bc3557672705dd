"""Every way in which a line and what the funder did about it match or not."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carefund.domain.care_recipient.draws import DrawnBy
from carefund.domain.claims.match_kinds import (
    ApprovedCategory,
    ContributionShare,
    MatchFacts,
    MatchKind,
    PricedLine,
    contribution_differs,
    expected_contribution,
    kind_of_draw,
    list_match_kinds,
)
from carefund.domain.claims.matching import Draw, LineTruth
from carefund.domain.periods import Period

pytestmark = pytest.mark.one_database
DAY, LATER = date(2026, 5, 4), date(2026, 6, 30)
HUNDRED = Decimal("100.00")
EVER = Period(None, None)


def facts(*draws: str, source: str = "ON", **more: Any) -> MatchFacts:
    truth = {"claimed": HUNDRED, "approved_date": DAY} | {
        name: more.pop(name) for name in ("is_refused", "approved_date", "is_claimed") if name in more
    }
    drawn = [Draw("1", source, Decimal(amount)) for amount in draws]
    return MatchFacts(LineTruth(draws=drawn, **truth), "ON", Decimal(1), **more)


@pytest.mark.parametrize(
    ("given_facts", "kinds"),
    [
        (facts("-100.00"), [MatchKind.MATCHED]),
        (facts("-60.00", "-40.00"), [MatchKind.MATCHED]),
        (facts(), [MatchKind.MISSING_AT_FUNDER]),
        (facts(approved_date=None), [MatchKind.UNDECIDED]),
        (facts(is_refused=True), [MatchKind.REFUSED]),
        (facts("-100.00", is_refused=True), [MatchKind.REFUSED_DRAWN]),
        (facts("-100.00", "100.00", is_refused=True), [MatchKind.REFUSED]),
        (facts("-90.00"), [MatchKind.AMOUNT]),
        (facts("-100.00", "-100.00"), [MatchKind.DUPLICATE]),
        (facts("-100.00", source="AT"), [MatchKind.MATCHED, MatchKind.OTHER_BUDGET]),
        (facts("-100.00", is_held_over=True), [MatchKind.MATCHED, MatchKind.HELD_OVER]),
        (facts("-100.00", compensation=Decimal("5.00")), [MatchKind.MATCHED, MatchKind.COMPENSATION]),
        (
            facts("-100.00", contribution=Decimal("5.00"), expected_contribution=Decimal("17.50")),
            [MatchKind.CONTRIBUTION],
        ),
        (facts("-100.00", contribution=Decimal("-5.00"), expected_contribution=Decimal("5.01")), [MatchKind.MATCHED]),
    ],
)
def test_what_a_line_is(given_facts: MatchFacts, kinds: list[MatchKind]) -> None:
    assert list(list_match_kinds(given_facts, LATER)) == kinds
    assert all(kind.label for kind in kinds)


def test_a_draw_without_a_line_is_ours_repeated_or_somebody_elses() -> None:
    assert kind_of_draw(DrawnBy.ANOTHER_PROVIDER, is_repeated=True) is MatchKind.OTHER_PROVIDER
    assert kind_of_draw(DrawnBy.US_WITHOUT_LINE, is_repeated=False) is MatchKind.MISSING_HERE
    assert kind_of_draw(DrawnBy.US_WITHOUT_LINE, is_repeated=True) is MatchKind.DUPLICATE
    assert kind_of_draw(DrawnBy.US, is_repeated=True) is MatchKind.MATCHED


def share(start: date | None = None, end: date | None = None, provider: str = "", **values: str) -> ContributionShare:
    percentages = {"clinical": "0.00", "independence": "5.00", "everyday_living": "17.50"} | values
    numbers = {name: Decimal(text) if text else None for name, text in percentages.items()}
    return ContributionShare(provider, Period(start, end), **numbers)


def line(**more: Any) -> PricedLine:
    values = {
        "service_id": "SERV-0001", "service_provider_id": "22", "funding_source": "ON", "delivery_date": DAY,
        "quantity": Decimal(1), "amount": HUNDRED,
    }  # fmt: skip
    return PricedLine(**(values | more))


CLEANING = ApprovedCategory("SERV-0001", "Everyday living", EVER)


@pytest.mark.parametrize(
    ("priced", "shares", "categories", "expected"),
    [
        (line(), [share()], [CLEANING], "17.50"),
        (line(), [share(end=date(2026, 5, 3)), share(start=DAY, everyday_living="20.00")], [CLEANING], "20.00"),
        (line(amount=Decimal("33.33")), [share()], [CLEANING], "5.83"),
        (line(service_id="SERV-0001|WRAP-005"), [share()], [CLEANING], "17.50"),
        (line(), [share()], [CLEANING._replace(category="Clinical supports")], "0.00"),
        (line(funding_source="AT"), [share()], [], "5.00"),
        (line(), [share()], [], None),
        (line(), [share()], [CLEANING, CLEANING._replace(category="Independence")], None),
        (line(), [share(everyday_living="")], [CLEANING], None),
        (line(), [share(provider="33")], [CLEANING], None),
        (line(), [share(), share(everyday_living="20.00")], [CLEANING], None),
        (line(), [], [CLEANING], None),
    ],
)
def test_a_contribution_follows_the_percentage_in_force_or_is_not_known(
    priced: PricedLine, shares: list[ContributionShare], categories: list[ApprovedCategory], expected: str | None
) -> None:
    found = expected_contribution(priced, shares, categories)
    assert found == (None if expected is None else Decimal(expected))


@given(st.decimals(0, 500, places=2), st.integers(1, 40))
def test_rounding_by_unit_or_by_line_is_no_difference(price: Decimal, quantity: int) -> None:
    by_unit = (price * Decimal("0.175")).quantize(Decimal("0.01")) * quantity
    by_line = (price * quantity * Decimal("0.175")).quantize(Decimal("0.01"))
    assert not contribution_differs(by_unit, by_line, Decimal(quantity))
    assert contribution_differs(by_line + quantity, by_line, Decimal(quantity))
    assert not contribution_differs(None, by_line, Decimal(quantity))
