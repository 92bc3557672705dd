"""Comparing with plain data alone, no sandbox and no database: from what is stored and what came to a decision."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carefund.domain.comparison import Stored
from carefund.domain.periods import Period
from carefund.funders.answers import FunderAnswer
from carefund.funders.services_australia.payloads import (
    ApprovedService,
    Budget,
    BudgetDetails,
    BudgetUsage,
    CareRecipientSummary,
    Classification,
    Entitlement,
    IndividualContribution,
)
from carefund.records.archive import digest_of_pages
from carefund.sync.care_recipient.answers import (
    BUDGET_DETAILS,
    BUDGET_LIST,
    CONTRIBUTIONS,
    SUMMARY,
    AnswerKind,
    in_order,
    key_of,
)
from carefund.sync.care_recipient.deciding import decide
from carefund.sync.care_recipient.decision import Decision
from carefund.sync.care_recipient.fetching import Fetched
from carefund.sync.care_recipient.last_applied import LastApplied
from carefund.sync.care_recipient.recordsets import RECORD_SETS
from carefund.sync.care_recipient.results import Count, SyncOutcome
from carefund.sync.care_recipient.stored_rows import StoredPerson, StoredPlan, StoredRecords

pytestmark = pytest.mark.one_database

TODAY = date(2026, 11, 21)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
READER, OTHER_READER = "as today", "otherwise"
NEVER_SYNCED = StoredPerson(7, LastApplied(), None, StoredRecords())

LEVEL_5 = Classification(type="Support at Home", code="SAH", level="5", start_date=date(2026, 1, 1), status="Active")
SUMMARY_SAID = CareRecipientSummary(
    care_recipient_id="1",
    classifications=(LEVEL_5,),
    approved_services=(ApprovedService(service_id="SERV-0001", start_date=date(2026, 1, 1)),),
)
SHARES = (IndividualContribution(independence_percentage=Decimal("5.00"), effective_date_from=date(2026, 1, 1)),)
ONGOING = Budget(
    budget_id="11",
    service_provider_id="4049000001",
    start_date=date(2026, 10, 1),
    total=Decimal(100),
    available=Decimal(60),
    used=Decimal(-40),
)
RESTORATIVE = Budget(budget_id="12", service_provider_id="4049000001", start_date=date(2026, 10, 1))
DRAW = BudgetUsage(invoice_id="900", item_id="1", amount=Decimal(-40))
ONGOING_DETAILS = BudgetDetails(budget_id="11", usage=(DRAW,), entitlements=(Entitlement(amount=Decimal(100)),))
RESTORATIVE_DETAILS = BudgetDetails(budget_id="12", usage=(BudgetUsage(invoice_id="901", amount=Decimal(-5)),))


def answer(kind: AnswerKind[Any], value: Any, subject_id: str = "1") -> FunderAnswer[Any]:
    """An answer whose bytes stand for what it says; a list that says nothing has none."""
    return FunderAnswer(kind.operation, subject_id, (repr(value).encode(),) if value else (), value, NOON)


def everything(**said: Any) -> list[FunderAnswer[Any]]:
    """Everything about one person; what is named is said otherwise than usual."""
    budgets = said.get("budgets", (ONGOING, RESTORATIVE))
    return [
        answer(SUMMARY, said.get("summary", SUMMARY_SAID)),
        answer(CONTRIBUTIONS, said.get("contributions", SHARES)),
        answer(BUDGET_LIST, budgets),
        answer(BUDGET_DETAILS, said.get("ongoing", ONGOING_DETAILS), "11"),
        answer(BUDGET_DETAILS, said.get("restorative", RESTORATIVE_DETAILS), "12"),
    ]


def fetch(*answers: FunderAnswer[Any], **how: Any) -> Fetched:
    """What a fetch of these answers hands over."""
    ordered = in_order(answers)
    digests = {key_of(reply): digest_of_pages(reply.pages) for reply in ordered}
    listed = [reply.value for reply in ordered if reply.operation == BUDGET_LIST.operation and not reply.recognised]
    given = {"reader": READER, "budget_periods": listed[0] if listed else (), **how}
    return Fetched(7, "1", given.pop("started_at", NOON), ordered, digests, **given)


def after(decision: Decision) -> StoredPerson:
    """The person as stored once a decision is written."""
    before, filing = decision.stored.records or StoredRecords(), decision.filed.filing
    plans = before.plans
    if filing:
        plans = [StoredPlan(number, period) for number, period in enumerate(filing.plans, start=1)]
    number = count(1000 * (decision.known.version + 1))
    rows: dict[str, list[Stored]] = {}
    for record_set in RECORD_SETS:
        found = decision.compared.differences.get(record_set.kind)
        kept = {row.id: row for row in before.rows.get(record_set.kind, ())}
        if found and record_set.replaced_whole and decision.compared.incoming[record_set.kind]:
            incoming = decision.compared.incoming[record_set.kind]
            kept = {
                row_id: Stored(row_id, row.key, 0, row.values) for row_id, row in zip(number, incoming, strict=False)
            }
        elif found:
            kept |= {
                change.stored.id: change.stored._replace(values=change.values, returned=True)
                for change in found.changed
            }
            kept |= {row.id: row._replace(returned=False) for row in found.gone}
            kept |= {row_id: Stored(row_id, *row) for row_id, row in zip(number, found.new, strict=False)}
        rows[record_set.kind] = list(kept.values())
    return StoredPerson(7, decision.known, decision.fetched.started_at, StoredRecords(plans, rows))


def changes_of(decision: Decision) -> list[tuple[str, str, str]]:
    return [(change.kind, change.action, change.field) for change in decision.result.changes]


@pytest.fixture
def in_step() -> StoredPerson:
    return after(decide(NEVER_SYNCED, fetch(*everything()), TODAY))


def test_a_first_sync_makes_everything_new_and_is_one_line_of_the_change_log() -> None:
    decision = decide(NEVER_SYNCED, fetch(*everything()), TODAY)
    assert decision.result.outcome is SyncOutcome.CHANGED
    assert {kind: tally.new for kind, tally in decision.result.counts.items() if tally.new} == {
        "budgets": 2,
        "classifications": 1,
        "approved_services": 1,
        "individual_contributions": 1,
        "entitlements": 1,
        "budget_usage": 2,
    }
    assert decision.filed.filing is not None
    assert decision.filed.filing.plans == (Period(date(2026, 1, 1), None),)
    assert changes_of(decision) == [("client", "first sync", ""), ("client", "changed", "service_provider_id")]
    assert (decision.known.version, decision.service_provider_id) == (1, "4049000001")
    assert len(decision.pages) == 5


def test_the_same_again_is_unchanged_with_the_same_counts_and_nothing_to_write(in_step: StoredPerson) -> None:
    decision = decide(in_step, fetch(*everything()), TODAY)
    assert decision.result.outcome is SyncOutcome.UNCHANGED
    assert decision.known is in_step.known
    assert not decision.result.changes
    assert not decision.pages
    assert decision.result.counts["budget_usage"] == Count(unchanged=2)


def test_what_is_unchanged_is_not_even_decoded_and_needs_no_stored_rows(in_step: StoredPerson) -> None:
    def refuse() -> None:
        raise AssertionError("decoded")

    known = [FunderAnswer(reply.operation, reply.subject_id, reply.pages, None, NOON, refuse) for reply in everything()]
    decision = decide(replace(in_step, records=None), fetch(*known, budget_periods=(ONGOING,)), TODAY)
    assert decision.result.outcome is SyncOutcome.UNCHANGED
    assert decision.result.counts["budgets"] == Count(unchanged=2)


def test_only_the_answer_that_differs_is_compared_and_archived(in_step: StoredPerson) -> None:
    more = replace_struct(ONGOING_DETAILS, usage=(DRAW, BudgetUsage(invoice_id="902", item_id="1", amount=Decimal(-3))))
    decision = decide(in_step, fetch(*everything(ongoing=more)), TODAY)
    assert set(decision.compared.differences) == {"entitlements", "budget_usage"}
    assert changes_of(decision) == [("budget_usage", "new", "")]
    assert [page.subject_id for page in decision.pages] == ["11"]
    assert decision.result.counts["budget_usage"] == Count(new=1, unchanged=2)
    assert decision.known.version == in_step.known.version + 1


def replace_struct(row: Any, **values: Any) -> Any:
    return type(row)(**{name: getattr(row, name) for name in row.__struct_fields__} | values)


def test_budgets_whose_details_were_not_asked_for_keep_what_hangs_on_them(in_step: StoredPerson) -> None:
    none_left = replace_struct(ONGOING_DETAILS, usage=())
    decision = decide(in_step, fetch(answer(BUDGET_DETAILS, none_left, "11")), TODAY)
    assert [row.key[0] for row in decision.compared.differences["budget_usage"].gone] == ["11"]
    assert decision.result.warnings == [
        "Services Australia returned no budget usage for 1 budget that had some. "
        "They are kept and marked as no longer returned."
    ]
    assert (
        decide(after(decision), fetch(answer(BUDGET_DETAILS, none_left, "11")), TODAY).result.outcome
        is SyncOutcome.UNCHANGED
    )


def test_an_empty_list_where_there_were_records_is_a_warning_and_an_empty_page_of_the_archive(
    in_step: StoredPerson,
) -> None:
    decision = decide(in_step, fetch(answer(CONTRIBUTIONS, ())), TODAY)
    assert decision.compared.incoming["individual_contributions"] == []
    assert decision.result.counts["individual_contributions"].no_longer_returned == 1
    assert ["no individual contributions where there were 1" in warning for warning in decision.result.warnings] == [
        True
    ]
    assert [page.body for page in decision.pages] == [b""]


def test_a_later_fetch_that_was_applied_already_leaves_nothing_to_do(in_step: StoredPerson) -> None:
    earlier = fetch(*everything(contributions=()), started_at=NOON - timedelta(seconds=1))
    decision = decide(in_step, earlier, TODAY)
    assert decision.is_superseded
    assert decision.known is in_step.known
    assert not decision.compared.differences


def test_a_refusal_is_an_outcome_of_its_own_and_keeps_what_was_known(in_step: StoredPerson) -> None:
    asked = [reply for reply in everything() if reply.operation != BUDGET_DETAILS.operation]
    decision = decide(in_step, fetch(*asked, refused_budget_ids=("11", "12")), TODAY)
    assert decision.result.outcome is SyncOutcome.CONSENT_MISSING
    assert decision.known == replace(in_step.known, consent_missing=True)
    given_again = decide(after(decision), fetch(*everything()), TODAY)
    assert given_again.result.outcome is SyncOutcome.UNCHANGED
    assert given_again.known == in_step.known


def test_a_budget_that_vanished_meanwhile_is_a_warning_and_no_change(in_step: StoredPerson) -> None:
    decision = decide(in_step, fetch(*everything()[:-1], vanished_budget_ids=("12",)), TODAY)
    assert decision.result.outcome is SyncOutcome.UNCHANGED
    assert "without details" in decision.result.warnings[0]


def test_figures_that_do_not_add_up_are_warned_of_each_time_they_are_asked_for() -> None:
    wrong = (replace_struct(ONGOING, available=Decimal(99)), RESTORATIVE)
    first = decide(NEVER_SYNCED, fetch(*everything(budgets=wrong)), TODAY)
    again = decide(after(first), fetch(*everything(budgets=wrong)), TODAY)
    parts = decide(after(first), fetch(answer(CONTRIBUTIONS, SHARES)), TODAY)
    sentence = "The figures of 1 budget do not add up. They are shown as received."
    assert [decision.result.warnings for decision in (first, again, parts)] == [[sentence], [sentence], []]
    assert set(again.result.counts) == {record_set.kind for record_set in RECORD_SETS}


def test_an_answer_that_is_read_otherwise_is_compared_although_its_bytes_are_known(in_step: StoredPerson) -> None:
    """As after an upgrade: the same bytes, of which more is understood."""
    understood = replace_struct(ONGOING, write_off=Decimal("-2.50"))
    answers = [
        FunderAnswer(reply.operation, reply.subject_id, reply.pages, (understood, RESTORATIVE), NOON)
        if reply.operation == BUDGET_LIST.operation
        else reply
        for reply in everything()
    ]
    assert decide(in_step, fetch(*answers), TODAY).result.outcome is SyncOutcome.UNCHANGED
    anew = fetch(*answers, reader=OTHER_READER, is_archived=True)
    decision = decide(in_step, anew, TODAY)
    assert changes_of(decision) == [("budgets", "changed", "write_off")]
    assert not decision.pages, "these bytes are in the archive"
    assert decision.known.reader == OTHER_READER
    again = decide(after(decision), anew, TODAY)
    assert (again.result.outcome, again.known) == (SyncOutcome.UNCHANGED, decision.known)


def test_reading_alike_remembers_the_reader_and_is_no_new_version(in_step: StoredPerson) -> None:
    decision = decide(in_step, fetch(*everything(), reader=OTHER_READER, is_archived=True), TODAY)
    assert decision.result.outcome is SyncOutcome.UNCHANGED
    assert decision.known == replace(in_step.known, reader=OTHER_READER)


def test_a_sync_of_parts_does_not_pass_for_having_read_everything_anew(in_step: StoredPerson) -> None:
    decision = decide(in_step, fetch(answer(CONTRIBUTIONS, SHARES), reader=OTHER_READER), TODAY)
    assert decision.known.reader == READER


@pytest.mark.parametrize(("known", "expected"), [("4049000009", "4049000009"), ("", "4049000001")])
def test_the_archive_fills_in_a_service_provider_id_and_overrides_none(
    in_step: StoredPerson, known: str, expected: str
) -> None:
    stored = replace(in_step, known=replace(in_step.known, service_provider_id=known))
    anew = decide(stored, fetch(*everything(), reader=OTHER_READER, is_archived=True), TODAY)
    assert anew.known.service_provider_id == expected
    assert decide(stored, fetch(*everything()), TODAY).known.service_provider_id == "4049000001"


def test_a_new_reading_does_not_say_that_consent_is_given(in_step: StoredPerson) -> None:
    stored = replace(in_step, known=replace(in_step.known, consent_missing=True))
    anew = fetch(*everything(), reader=OTHER_READER, is_archived=True)
    assert decide(stored, anew, TODAY).known.consent_missing


@pytest.mark.parametrize(
    "part", [lambda decision: decision, lambda decision: decision.result, lambda decision: decision.known]
)
def test_a_decision_cannot_be_changed(part: Callable[[Decision], Any]) -> None:
    decided = part(decide(NEVER_SYNCED, fetch(*everything()), TODAY))
    with pytest.raises(FrozenInstanceError):
        setattr(decided, decided.__slots__[0], None)


codes = st.sampled_from(["A", "B", "C"])
amounts = st.decimals(min_value=-100, max_value=100, places=2)
classifications = st.lists(
    st.builds(
        Classification,
        level=codes,
        start_date=st.dates(date(2026, 1, 1), date(2026, 1, 3)),
        end_date=st.none() | st.dates(date(2026, 11, 20), date(2026, 11, 23)),
        status=codes,
    ),
    max_size=4,
)
budgets = st.lists(st.builds(Budget, budget_id=codes, total=amounts, status=codes), max_size=4).map(tuple)
usages = st.lists(st.builds(BudgetUsage, invoice_id=codes, item_id=codes, amount=amounts), max_size=5)


@st.composite
def fetches(draw: Any, minute: int) -> Fetched:
    """Any answers, duplicates among them."""
    said = draw(classifications)
    answers = [
        answer(SUMMARY, CareRecipientSummary(care_recipient_id="1", classifications=tuple(said))),
        answer(BUDGET_LIST, draw(budgets)),
    ]
    details = [BudgetDetails(budget_id=budget_id, usage=tuple(draw(usages))) for budget_id in draw(st.sets(codes))]
    answers += [answer(BUDGET_DETAILS, detail, detail.budget_id) for detail in details]
    return fetch(*answers, started_at=NOON + timedelta(minutes=minute))


@given(fetches(0), fetches(1))
def test_whatever_comes_after_whatever_once_applied_it_is_unchanged(first: Fetched, second: Fetched) -> None:
    person = after(decide(NEVER_SYNCED, first, TODAY))
    person = after(decide(person, second, TODAY))
    # As if reprocessed, so that every row is compared and none is taken as known by its bytes.
    anew = decide(person, replace(second, reader=OTHER_READER, is_archived=True), TODAY)
    assert anew.result.outcome is SyncOutcome.UNCHANGED
    assert not any(anew.compared.differences.values())
