"""Planned services from a rostering system's file: what is new, differs or is wrong is said before it is stored."""

from datetime import date
from decimal import Decimal

import pytest

from carefund.domain.csv_tables import UnreadableFile
from carefund.records.care_recipient.planned_services import plan_planned_file, store_planned_import
from carefund.records.models import Client, PlannedService

pytestmark = pytest.mark.django_db
HEADING = "Reference,Care recipient ID,Service,Price,Frequency,From,To,Funding"
RIGHT = "R-1,400000001,SERV-0012,80.00,Weekly,22/11/2026,,"


@pytest.fixture(autouse=True)
def people(db: None) -> None:
    for number in ("400000001", "400000002"):
        Client.objects.create(care_recipient_id=number, first_name="A", last_name=number)


def file(*rows: str) -> bytes:
    return "\n".join([HEADING, *rows]).encode()


def test_a_file_is_stored_once_and_a_change_replaces() -> None:
    assert store_planned_import(plan_planned_file(file(RIGHT)), "roster") == 1
    again = plan_planned_file(file(RIGHT))
    assert (len(again.new), again.changed, again.same_count) == (0, [], 1)
    assert store_planned_import(again, "roster") == 0
    changed = plan_planned_file(file(RIGHT.replace("80.00", "$85.50").replace(",,", ",2026-12-31,")))
    assert [names for _, names in changed.changed] == [["price", "to_date"]]
    store_planned_import(changed, "roster")
    stored = PlannedService.objects.get()
    assert (stored.price, stored.to_date, stored.funding_source) == (Decimal("85.50"), date(2026, 12, 31), "ON")


@pytest.mark.parametrize(
    ("before", "after", "column"),
    [
        ("R-1", "", "reference"),
        ("400000001", "499999999", "care_recipient_id"),
        ("80.00", "0", "price"),
        ("80.00", "-5", "price"),
        ("80.00", "80.005", "price"),
        ("80.00", "eighty", "price"),
        ("Weekly", "daily", "frequency"),
        ("22/11/2026", "31/02/2026", "from_date"),
        ("22/11/2026", "22/11/1999", "from_date"),
        (",,", ",21/11/2026,", "to_date"),
        (",,", ",,XX", "funding_source"),
    ],
)
def test_what_is_wrong_is_named_by_line_and_column(before: str, after: str, column: str) -> None:
    plan = plan_planned_file(file("R-0" + RIGHT[3:], RIGHT.replace(before, after, 1)))
    assert [(problem.line, problem.column) for problem in plan.problems] == [(3, column)]
    with pytest.raises(ValueError, match="not stored"):
        store_planned_import(plan, "roster")


def test_a_reference_belongs_to_one_client_and_stands_once() -> None:
    store_planned_import(plan_planned_file(file(RIGHT)), "roster")
    plan = plan_planned_file(file(RIGHT.replace("400000001", "400000002"), RIGHT))
    assert [problem.column for problem in plan.problems] == ["reference", "reference"]


def test_a_file_without_a_table_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="missing: reference"):
        plan_planned_file(b"a,b\n1,2\n")
