"""Compare: from what is stored and what was fetched to what must be written, as data. No database, no network.

Source: rules SYNC-03 to SYNC-08.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

from carefund.domain.budgets import adds_up
from carefund.domain.comparison import Differences, Incoming, Stored, compare
from carefund.domain.plans import Period
from carefund.domain.service_providers import newest_service_provider_id
from carefund.funders.answers import Answer
from carefund.funders.services_australia.payloads import Budget, CareRecipientSummary, IndividualContribution
from carefund.records.archive import ReceivedPage
from carefund.sync.answers import BUDGET_DETAILS, BUDGET_LIST, CONTRIBUTIONS, SUMMARY, key_of, kind_of
from carefund.sync.fetching import Fetched
from carefund.sync.filing import Filing, file, list_moves
from carefund.sync.known import Known
from carefund.sync.received import pages_to_keep
from carefund.sync.recordsets import (
    APPROVED_SERVICES,
    BUDGET_USAGE,
    BUDGETS,
    CLASSIFICATIONS,
    ENTITLEMENTS,
    INDIVIDUAL_CONTRIBUTIONS,
    RECORD_SETS,
    SUPPLEMENTS,
    RecordSet,
)
from carefund.sync.results import Count, FieldChange, Outcome, SyncResult
from carefund.sync.telling import add_up, many, tell, tell_plan_dates

_WRONG_FIGURES = "figures_do_not_add_up"


@dataclass(frozen=True, slots=True)
class StoredPlan:
    id: int
    period: Period


@dataclass(slots=True)
class StoredPerson:
    """What is stored about one person, as far as this sync needs it. Empty `digests`: never synced.

    `plans` are oldest first. `rows` per kind, empty where they were not needed; `plan_ids` tells on which plan a row
    hangs, for whoever has several.
    """

    client_id: int
    version: int
    digests: dict[str, str]
    fetch_started_at: datetime | None
    consent_missing: bool
    service_provider_id: str
    plans: Sequence[StoredPlan] = ()
    row_counts: dict[str, dict[str, int]] = field(default_factory=dict)
    rows: dict[str, list[Stored]] = field(default_factory=dict)
    plan_ids: defaultdict[str, dict[int, int]] = field(default_factory=partial(defaultdict, dict))

    @property
    def latest_plan(self) -> StoredPlan | None:
        return self.plans[-1] if self.plans else None

    @property
    def knows_rows(self) -> bool:
        """Whether the rows are at hand; a person never synchronised has none."""
        return bool(self.rows) or not self.digests


@dataclass(slots=True)
class Decision:
    """What to write for one person. `filing` is None where plans and rows stay as they are; `moves` are per kind."""

    fetched: Fetched
    stored: StoredPerson
    result: SyncResult
    differences: dict[str, Differences] = field(default_factory=dict)
    contributions: Sequence[Incoming] | None = None
    contributions_missing: bool = False
    filing: Filing | None = None
    moves: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    service_provider_id: str | None = None
    pages: list[ReceivedPage] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    row_counts: dict[str, dict[str, int]] = field(default_factory=dict)
    consent_missing: bool = False
    touched: bool = False


def decide(stored: StoredPerson, fetched: Fetched, changed: dict[str, str], today: date) -> Decision:
    """Everything that applying this fetch would do. Pure: nothing is read or written here."""
    consent_missing = bool(fetched.refused_budget_ids)
    result = SyncResult(stored.client_id, fetched.care_recipient_id, Outcome.UNCHANGED, version=stored.version)
    decision = Decision(fetched, stored, result, digests={**stored.digests, **changed})
    decision.row_counts = stored.row_counts | {
        key_of(answer): _row_counts(answer) for answer in fetched.answers if not answer.recognised
    }
    decision.consent_missing = (
        consent_missing if fetched.list_all(BUDGET_DETAILS) or consent_missing else stored.consent_missing
    )
    if summary := fetched.find(SUMMARY):
        _decide_summary(decision, summary.value, SUMMARY.key() in changed)
    if contributions := fetched.find(CONTRIBUTIONS):
        _decide_contributions(decision, contributions.value, CONTRIBUTIONS.key() in changed)
    if budgets := fetched.find(BUDGET_LIST):
        _decide_budgets(decision, budgets.value, BUDGET_LIST.key() in changed, today)
    _decide_details(decision, changed)
    if stored.knows_rows:
        _decide_filing(decision, today)
    decision.pages = pages_to_keep(fetched, changed)
    _conclude(decision)
    return decision


def unchanged_result(fetched: Fetched, known: Known) -> SyncResult:
    """What came of a person of whom every answer was recognised, told from what was counted before."""
    totals = dict.fromkeys((record_set.kind for record_set in RECORD_SETS), 0)
    for key in fetched.recognised:
        for kind, number in known.row_counts[key].items():
            totals[kind] = totals.get(kind, 0) + number
    wrong = totals.pop(_WRONG_FIGURES, 0)
    counts = {kind: Count(unchanged=number) for kind, number in totals.items()}
    warnings = [_of_wrong_figures(wrong)] if wrong else []
    return SyncResult(
        fetched.client_id, fetched.care_recipient_id, Outcome.UNCHANGED, counts, warnings, version=known.version
    )


def _row_counts(answer: Answer[Any]) -> dict[str, int]:
    """How many records of each kind an answer holds, and how many budgets whose figures do not add up."""
    kind = kind_of(answer.operation)
    counts = kind.count(answer.value)
    return counts | {_WRONG_FIGURES: _wrong_figures(answer.value)} if kind is BUDGET_LIST else counts


def _wrong_figures(budgets: Sequence[Budget]) -> int:
    return sum(
        not adds_up(row.total, row.available, row.used, row.write_off, row.rollover_deduction) for row in budgets
    )


def _of_wrong_figures(number: int) -> str:
    return f"The figures of {many(number, 'budget')} do not add up; they are shown as received."


def service_provider_of(fetched: Fetched, today: date) -> str:
    """The service provider id of the person's newest budget; "" when none is told."""
    rows = [(budget.start_date, budget.service_provider_id) for budget in fetched.budget_periods]
    return newest_service_provider_id(rows, today) or ""


def _decide_summary(decision: Decision, summary: CareRecipientSummary, changed: bool) -> None:
    for record_set, payloads in (
        (CLASSIFICATIONS, summary.classifications),
        (APPROVED_SERVICES, summary.approved_services),
        (SUPPLEMENTS, summary.supplements),
    ):
        incoming = [record_set.incoming(payload) for payload in payloads] if changed else payloads
        _decide_kind(decision, record_set, incoming, changed)


def _decide_filing(decision: Decision, today: date) -> None:
    """The plan's dates, new at every sync, and which rows hang on which plan; of a first sync that is the new plan."""
    stored = decision.stored
    filing = file([plan.period for plan in stored.plans], stored.rows, decision.differences, today)
    decision.filing = filing
    if len(filing.plans) == 1:
        return
    positions = {plan.id: position for position, plan in enumerate(stored.plans)}
    for record_set in RECORD_SETS:
        if not record_set.is_child:
            held = {row_id: positions[plan_id] for row_id, plan_id in stored.plan_ids[record_set.kind].items()}
            if moves := list_moves(filing, record_set, stored.rows, decision.differences, held):
                decision.moves[record_set.kind] = moves


def _decide_contributions(decision: Decision, rows: Sequence[IndividualContribution], changed: bool) -> None:
    incoming = [INDIVIDUAL_CONTRIBUTIONS.incoming(row) for row in rows] if changed else []
    _decide_kind(decision, INDIVIDUAL_CONTRIBUTIONS, incoming if changed else rows, changed)
    differences = decision.differences.get(INDIVIDUAL_CONTRIBUTIONS.kind)
    if differences:
        decision.contributions = incoming
        decision.contributions_missing = not incoming


def _decide_budgets(decision: Decision, budgets: Sequence[Budget], changed: bool, today: date) -> None:
    incoming = [BUDGETS.incoming(budget) for budget in budgets] if changed else budgets
    _decide_kind(decision, BUDGETS, incoming, changed)
    if wrong := _wrong_figures(budgets):
        decision.result.warnings.append(_of_wrong_figures(wrong))
    provider_id = service_provider_of(decision.fetched, today)
    if provider_id and provider_id != decision.stored.service_provider_id:
        decision.service_provider_id = provider_id
        decision.result.changes.append(
            FieldChange(
                "client",
                "changed",
                (),
                "service_provider_id",
                decision.stored.service_provider_id or None,
                provider_id,
            )
        )


def _decide_details(decision: Decision, changed: dict[str, str]) -> None:
    """Entitlements and usage, budget by budget: budgets that were not read keep theirs untouched."""
    entitlements: list[Incoming] = []
    usage: list[Incoming] = []
    read: set[str] = set()
    for answer in decision.fetched.list_all(BUDGET_DETAILS):
        details = answer.value
        if key_of(answer) in changed:
            read.add(answer.subject_id)
            entitlements += [ENTITLEMENTS.incoming(row, answer.subject_id) for row in details.entitlements]
            usage += [BUDGET_USAGE.incoming(row, answer.subject_id) for row in details.usage]
        else:
            decision.result.counts[ENTITLEMENTS.kind].unchanged += len(details.entitlements)
            decision.result.counts[BUDGET_USAGE.kind].unchanged += len(details.usage)
    for record_set, incoming in ((ENTITLEMENTS, entitlements), (BUDGET_USAGE, usage)):
        _decide_kind(decision, record_set, incoming, bool(read), read)
        _warn_of_emptied_budgets(decision, record_set, incoming)
    refused, vanished = decision.fetched.refused_budget_ids, decision.fetched.vanished_budget_ids
    if refused:
        decision.result.warnings.append(
            f"The details of {many(len(refused), 'budget')} were refused; what was known before is kept."
        )
    if vanished:
        decision.result.warnings.append(
            f"{many(len(vanished), 'budget')} listed by Services Australia had no details; what was known is kept."
        )


def _warn_of_emptied_budgets(decision: Decision, record_set: RecordSet, incoming: Sequence[Incoming]) -> None:
    """Say so when a budget came without any record of a kind that it had before."""
    differences = decision.differences.get(record_set.kind)
    if differences and differences.gone:
        emptied = {row.key[0] for row in differences.gone} - {row.key[0] for row in incoming}
        if emptied:
            decision.result.warnings.append(
                f"Services Australia returned no {record_set.label.lower()} for {many(len(emptied), 'budget')} that "
                "had some; they are kept and marked as no longer returned."
            )


def _decide_kind(
    decision: Decision,
    record_set: RecordSet,
    incoming: Sequence[Any],
    changed: bool,
    budgets: set[str] | None = None,
) -> None:
    """Compare one kind; of an answer that did not change the records are only counted."""
    count = decision.result.counts[record_set.kind]
    if not changed:
        count.unchanged += len(incoming)
        return
    rows = decision.stored.rows.get(record_set.kind, [])
    if budgets is not None:
        rows = [row for row in rows if row.key[0] in budgets]
    differences = compare(rows, incoming)
    decision.differences[record_set.kind] = differences
    add_up(count, differences)
    if not incoming and differences.gone and budgets is None:
        decision.result.warnings.append(
            f"Services Australia returned no {record_set.label.lower()} where there were {len(differences.gone)}; "
            "they are kept and marked as no longer returned."
        )
    if decision.stored.digests:  # a first sync is one line of the change log, not hundreds
        tell(decision.result.changes, record_set, differences)


def _conclude(decision: Decision) -> None:
    result = decision.result
    filing, latest = decision.filing, decision.stored.latest_plan
    decision.touched = any(decision.differences.values()) or decision.service_provider_id is not None
    if filing and filing.is_new:
        decision.touched = True
    elif filing and latest and filing.dates not in (None, latest.period):
        decision.touched = True
        tell_plan_dates(result, latest.period, filing.dates)
    if not decision.stored.digests:
        total = sum(count.new for count in result.counts.values())
        result.changes.insert(0, FieldChange("client", "first sync", (), after=many(total, "record")))
    if decision.touched:
        result.outcome = Outcome.CHANGED
    if decision.fetched.refused_budget_ids:
        result.outcome = Outcome.CONSENT_MISSING
    decision.touched = decision.touched or bool(decision.moves)  # our own filing: no change of what the funder says
