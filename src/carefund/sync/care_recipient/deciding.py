"""Compare: from what is stored and what was fetched to what must be written, as data. No database, no network.

Source: rules SYNC-03 to SYNC-08.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from carefund.domain.care_recipient.budgets import adds_up
from carefund.domain.care_recipient.identity import IDENTITY_FIELDS, PersonDetails
from carefund.domain.comparison import Differences, Incoming, compare
from carefund.domain.service_providers import newest_service_provider_id
from carefund.domain.wording import many
from carefund.funders.answers import FunderAnswer
from carefund.funders.services_australia.payloads import Budget
from carefund.records.archive import ReceivedPage, digest_of
from carefund.sync.care_recipient.answers import BUDGET_LIST, SUMMARY, key_of, kind_of
from carefund.sync.care_recipient.budget_details import know_details, leave_out_history, list_entitlements
from carefund.sync.care_recipient.decision import Compared, Decision, Filed
from carefund.sync.care_recipient.fetching import Fetched
from carefund.sync.care_recipient.last_applied import LastApplied
from carefund.sync.care_recipient.plan_assignment import file, list_moves
from carefund.sync.care_recipient.recordsets import ENTITLEMENTS, RECORD_SETS, RecordSet, as_text, record_set_of
from carefund.sync.care_recipient.reporting import count_differences, list_field_changes, list_plan_date_changes
from carefund.sync.care_recipient.results import Count, FieldChange, SyncOutcome, SyncResult
from carefund.sync.care_recipient.stored_rows import StoredPerson, StoredRecords

# The answers that are news, each with its key.
NewAnswers = Sequence[tuple[str, FunderAnswer[Any]]]


def decide(stored: StoredPerson, fetched: Fetched, today: date) -> Decision:
    """Everything that applying this fetch would do. Pure: nothing is read or written here."""
    known = stored.known
    if stored.fetch_started_at is not None and stored.fetch_started_at > fetched.started_at:
        result = SyncResult(stored.client_id, fetched.care_recipient_id, SyncOutcome.SUPERSEDED, version=known.version)
        return Decision(stored, fetched, known, result)
    news = known.find_news(fetched.digests, fetched.reader)
    new_answers = [(key, answer) for answer in fetched.answers if (key := key_of(answer)) in news]
    compared = _compare(stored, fetched, new_answers)
    filed = _file(stored, compared, today)
    provider_id = _decide_service_provider(known, fetched, today)
    is_changed = (
        any(compared.differences.values())
        or provider_id != known.service_provider_id
        or _moves_plan(stored, filed)
        or any(_identity_changes(stored, compared))
    )
    after = _know(known, fetched, new_answers)
    if is_changed or filed.moves or _holds_of(after) != _holds_of(known):
        after = replace(after, version=known.version + 1, service_provider_id=provider_id)
    counts = _count(after, fetched, news, compared)
    result = SyncResult(
        stored.client_id,
        fetched.care_recipient_id,
        _outcome(fetched, is_changed=is_changed),
        counts,
        _warn(after, fetched, compared),
        list(_list_field_changes(stored, fetched, compared, filed, after, counts)),
        known.version,
    )
    return Decision(stored, fetched, after, result, compared, filed, _list_pages(known, fetched) if news else ())


def _holds_of(known: LastApplied) -> tuple[object, ...]:
    return known.digests, known.row_counts, known.unanswered, known.unread_budgets


def _outcome(fetched: Fetched, *, is_changed: bool) -> SyncOutcome:
    if fetched.refused_budget_ids:
        return SyncOutcome.CONSENT_MISSING
    return SyncOutcome.CHANGED if is_changed else SyncOutcome.UNCHANGED


def _compare(stored: StoredPerson, fetched: Fetched, new_answers: NewAnswers) -> Compared:
    """Compare what is news, kind by kind. Budgets of whose details nothing is news keep what hangs on them."""
    if not new_answers:
        return Compared()
    incoming: defaultdict[str, list[Incoming]] = defaultdict(list)
    budget_ids: defaultdict[str, set[str]] = defaultdict(set)
    for _, answer in new_answers:
        for record_set in kind_of(answer.operation).record_sets:
            budget_ids[record_set.kind].add(answer.subject_id)
            payloads = record_set.payloads_in(answer.value)
            incoming[record_set.kind] += record_set.incoming(payloads, answer.subject_id)
    if any(key == BUDGET_LIST.key() for key, _ in new_answers):
        for budget_id, entitlements in list_entitlements(fetched, stored.known).items():
            budget_ids[ENTITLEMENTS.kind].add(budget_id)
            incoming[ENTITLEMENTS.kind] += ENTITLEMENTS.incoming(entitlements, budget_id)
    differences = {}
    rows = (stored.records or StoredRecords()).rows
    for record_set in RECORD_SETS:
        if record_set.kind in incoming:
            before = rows.get(record_set.kind, ())
            if record_set.is_child:
                before = [row for row in before if row.key[0] in budget_ids[record_set.kind]]
            differences[record_set.kind] = compare(before, incoming[record_set.kind])
    return Compared(incoming, differences, _find_new_identity(stored, new_answers))


def _find_new_identity(stored: StoredPerson, new_answers: NewAnswers) -> PersonDetails | None:
    """Who the funder says the person is, unless that is known."""
    for key, answer in new_answers:
        if key == SUMMARY.key():
            person = answer.value
            said = PersonDetails(person.first_name, person.last_name, person.birth_date, person.middle_name)
            return None if stored.records and stored.records.identity == said else said
    return None


def _identity_changes(stored: StoredPerson, compared: Compared) -> Iterator[FieldChange]:
    """What the funder says otherwise of who the person is; being told for the first time is no change."""
    before, after = stored.records and stored.records.identity, compared.identity
    if before is None or after is None:
        return
    for name in IDENTITY_FIELDS:
        old, new = getattr(before, name) or None, getattr(after, name) or None
        if old != new:
            yield FieldChange("identity", "changed", (), name, as_text(old), as_text(new))


def _file(stored: StoredPerson, compared: Compared, today: date) -> Filed:
    """The plan's dates, new at every sync, and which rows hang on which plan; of a first sync that is the new plan."""
    records = stored.records
    if records is None:
        return Filed()
    filing = file([plan.period for plan in records.plans], records.rows, compared.differences, today)
    if len(filing.plans) == 1:
        return Filed(filing)
    positions = {plan.id: position for position, plan in enumerate(records.plans)}
    moves = {}
    for record_set in RECORD_SETS:
        if not record_set.is_child:
            hung = records.plan_ids.get(record_set.kind, {})
            held = {row_id: positions[plan_id] for row_id, plan_id in hung.items()}
            if moving := list_moves(filing, record_set, records.rows, compared.differences, held):
                moves[record_set.kind] = moving
    return Filed(filing, moves)


def _moves_plan(stored: StoredPerson, filed: Filed) -> bool:
    """Whether a plan is made, or the latest one gets other dates."""
    filing, records = filed.filing, stored.records
    if filing is None or records is None:
        return False
    latest = records.latest_plan
    return filing.is_new or (latest is not None and filing.dates not in (None, latest.period))


def _decide_service_provider(known: LastApplied, fetched: Fetched, today: date) -> str:
    """The id of the newest budget; what was known where no budget names one.

    What was archived may be older than what Sync Service Providers found since, so it only fills a blank.
    """
    if fetched.is_archived and known.service_provider_id:
        return known.service_provider_id
    rows = [(budget.start_date, budget.service_provider_id) for budget in fetched.budget_periods]
    return newest_service_provider_id(rows, today) or known.service_provider_id


def _know(known: LastApplied, fetched: Fetched, new_answers: NewAnswers) -> LastApplied:
    """What is known after this sync; what was known before if nothing of it moved."""
    is_read_whole = fetched.is_archived or fetched.digests.keys() >= known.digests.keys()
    reader = fetched.reader if is_read_whole else known.reader
    if new_answers:
        counts = {key: kind_of(answer.operation).count(answer.value) for key, answer in new_answers}
        listed = [answer.value for key, answer in new_answers if key == BUDGET_LIST.key()]
        if listed and (entitlements := list_entitlements(fetched, known)):
            counts[BUDGET_LIST.key()][ENTITLEMENTS.kind] = sum(map(len, entitlements.values()))
        after = replace(
            known,
            reader=reader,
            digests={**known.digests, **fetched.digests},
            row_counts={**known.row_counts, **counts},
            wrong_figures=_count_wrong_figures(listed[0]) if listed else known.wrong_figures,
        )
    else:
        after = known if reader == known.reader else replace(known, reader=reader)
    return know_details(after, fetched, is_news=bool(new_answers))


def _count_wrong_figures(budgets: Sequence[Budget]) -> int:
    return sum(
        not adds_up(row.total, row.available, row.used, row.write_off, row.rollover_deduction) for row in budgets
    )


def _count(after: LastApplied, fetched: Fetched, news: set[str], compared: Compared) -> dict[str, Count]:
    """How many records of each kind, by what became of them; of answers that are no news, as they were counted."""
    unchanged = dict.fromkeys((record_set.kind for record_set in RECORD_SETS), 0)
    for key in fetched.digests:
        if key not in news:
            for kind, number in after.row_counts[key].items():
                unchanged[kind] += number
    if not compared.differences:
        return {kind: Count(unchanged=number) for kind, number in unchanged.items()}
    return {kind: count_differences(compared.differences.get(kind), number) for kind, number in unchanged.items()}


def _warn(after: LastApplied, fetched: Fetched, compared: Compared) -> list[str]:
    """What a person should know of these answers, without names or ids."""
    warnings: list[str] = []
    for kind, found in compared.differences.items():
        if found.gone:
            warnings += _warn_of_emptiness(record_set_of(kind), found, compared.incoming[kind])
    if after.wrong_figures and BUDGET_LIST.key() in fetched.digests:
        budgets = many(after.wrong_figures, "budget")
        warnings.append(f"The figures of {budgets} do not add up. They are shown as received.")
    if fetched.refused_budget_ids:
        budgets = many(len(fetched.refused_budget_ids), "budget")
        warnings.append(f"The details of {budgets} were refused. The last known details are kept.")
    if fetched.unreadable_budget_ids:
        budgets = many(len(fetched.unreadable_budget_ids), "ended budget")
        warnings.append(f"The details of {budgets} cannot be read.")
    if fetched.vanished_budget_ids:
        budgets = many(len(fetched.vanished_budget_ids), "budget")
        warnings.append(f"Services Australia lists {budgets} without details. The last known details are kept.")
    return warnings


def _warn_of_emptiness(record_set: RecordSet, found: Differences, incoming: Sequence[Incoming]) -> Iterator[str]:
    """Say so when an answer came without any record of a kind that there were before."""
    kind = record_set.label.lower()
    if record_set.is_child:
        emptied = {row.key[0] for row in found.gone} - {row.key[0] for row in incoming}
        if emptied:
            yield (
                f"Services Australia returned no {kind} for {many(len(emptied), 'budget')} that had some. "
                "They are kept and marked as no longer returned."
            )
    elif not incoming:
        yield (
            f"Services Australia returned no {kind} where there were {len(found.gone)}. "
            "They are kept and marked as no longer returned."
        )


def _list_field_changes(
    stored: StoredPerson,
    fetched: Fetched,
    compared: Compared,
    filed: Filed,
    after: LastApplied,
    counts: Mapping[str, Count],
) -> Iterator[FieldChange]:
    """The lines of the change log; a first sync is one line, not hundreds."""
    before = stored.known
    if before.digests:
        for kind, found in compared.differences.items():
            news = leave_out_history(record_set_of(kind), fetched, before, found)
            if history := len(found.new) - len(news.new):
                yield FieldChange(kind, "first sync", (), after=many(history, "record"))
            yield from list_field_changes(record_set_of(kind), news)
    else:
        total = sum(count.new for count in counts.values())
        yield FieldChange("client", "first sync", (), after=many(total, "record"))
    old, new = before.service_provider_id, after.service_provider_id
    if new != old:
        yield FieldChange("client", "changed", (), "service_provider_id", old or None, new)
    yield from _identity_changes(stored, compared)
    latest = stored.records.latest_plan if stored.records else None
    if latest and filed.filing and not filed.filing.is_new and filed.filing.dates is not None:
        yield from list_plan_date_changes(latest.period, filed.filing.dates)


def _list_pages(known: LastApplied, fetched: Fetched) -> tuple[ReceivedPage, ...]:
    """The pages of the answers that differ from those last applied, for the archive."""
    return tuple(
        ReceivedPage(
            fetched.client_id,
            answer.operation,
            answer.subject_id if kind_of(answer.operation).per_budget else "",
            number,
            digest if len(answer.pages) == 1 else digest_of(page),
            page,
            fetched.started_at,
        )
        for answer in fetched.answers
        if known.digests.get(key_of(answer)) != (digest := fetched.digests[key_of(answer)])
        for number, page in enumerate(answer.pages or (b"",), start=1)  # "not found" is kept as one empty page
    )
