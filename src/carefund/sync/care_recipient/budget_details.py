"""What a sync makes of budgets' details beside their records: whether consent is missing, which were never read, which
entitlements the list of budgets carries, and what is history rather than news. No I/O.

Source: rules SYNC-03 and SYNC-18.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from carefund.domain.comparison import Differences
from carefund.funders.services_australia.payloads import Entitlement
from carefund.sync.care_recipient.answers import BUDGET_DETAILS, BUDGET_LIST
from carefund.sync.care_recipient.details_read import Details, NeverAsked
from carefund.sync.care_recipient.fetching import Fetched
from carefund.sync.care_recipient.last_applied import LastApplied
from carefund.sync.care_recipient.recordsets import RecordSet


def know_details(known: LastApplied, fetched: Fetched, *, is_news: bool) -> LastApplied:
    """What is known of asking for details after this fetch; the same object if nothing of it moved.

    That consent is missing is what the open budgets say. Once it is given, the budgets that were refused count as never
    asked.
    """
    refused = bool(fetched.refused_budget_ids)
    tells_consent = not (fetched.is_archived or fetched.of_unread) and (
        refused or any(answer.operation == BUDGET_DETAILS.operation for answer in fetched.answers)
    )
    consent_missing = refused if tells_consent else known.consent_missing
    unanswered = known.unanswered
    if known.consent_missing and not consent_missing:
        unanswered = {key: how for key, how in unanswered.items() if how != Details.REFUSED.value}
    ended = {
        budget_id: how
        for budget_id, how in fetched.unanswered.items()
        if BUDGET_DETAILS.key(budget_id) not in known.digests
    }
    if is_news or not ended.items() <= unanswered.items():
        kept = {key: how for key, how in unanswered.items() if BUDGET_DETAILS.key(key) not in known.digests}
        unanswered = {**kept, **ended}
    if (consent_missing, unanswered) != (known.consent_missing, known.unanswered):
        known = replace(known, consent_missing=consent_missing, unanswered=unanswered)
        is_news = True
    if (is_news or known.unread_budgets is None) and BUDGET_LIST.key() in fetched.digests:
        never_asked = NeverAsked(known)
        unread = len({budget.budget_id for budget in fetched.budget_periods if budget in never_asked})
        if unread != known.unread_budgets:
            known = replace(known, unread_budgets=unread)
    return known


def list_entitlements(fetched: Fetched, known: LastApplied) -> Mapping[str, Sequence[Entitlement]]:
    """The entitlements that the list of budgets carries, by budget id; without those that the budget's details tell.

    Details are the fuller answer: where the open budgets were asked about, theirs count; in a fetch that leaves those
    out, also the details that were ever read. None listed says nothing, since most lists leave them out.
    """
    listed = fetched.find(BUDGET_LIST)
    if listed is None:
        return {}
    apart = {answer.subject_id for answer in fetched.list_all(BUDGET_DETAILS)} | fetched.spared_budget_ids
    read = {} if apart and not fetched.of_unread else known.digests
    return {
        budget.budget_id: budget.entitlements
        for budget in reversed(listed.value)  # the first of duplicates counts
        if budget.entitlements and budget.budget_id not in apart and BUDGET_DETAILS.key(budget.budget_id) not in read
    }


def leave_out_history(record_set: RecordSet, fetched: Fetched, known: LastApplied, found: Differences) -> Differences:
    """The differences that are news: without what hangs on ended budgets of which nothing was ever read before."""
    if not record_set.is_child or not found.new or fetched.is_archived:
        return found
    told = () if fetched.of_unread else {answer.subject_id for answer in fetched.list_all(BUDGET_DETAILS)}
    news = [row for row in found.new if row.key[0] in told or BUDGET_DETAILS.key(str(row.key[0])) in known.digests]
    return replace(found, new=news)
