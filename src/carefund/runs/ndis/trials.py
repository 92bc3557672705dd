"""A trial of the PACE interfaces as a kind of work: the NDIA, or a partner's gateway, is asked about one participant.

Its answers go to the archive of trials; no record is written.
"""

from django.contrib.auth.models import User

from carefund.access.roles import may_administer
from carefund.records.models import Client
from carefund.runs.funder_sessions import require_configured
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run
from carefund.runs.ndis.comparing import NDIA, take_budget_call
from carefund.runs.requests import NewRunItem, request_once
from carefund.runs.sessions import Session
from carefund.runs.trials import PACE_TRIAL_NAME, keep_trial
from carefund.runs.work_kind import ItemFailed, ItemResult, WorkKind
from carefund.sync.ndis.contracts import prepare_question
from carefund.sync.ndis.problems import PaceProblem
from carefund.sync.ndis.trials import count_budget_questions, try_pace


def request_pace_trial(client: Client, requested_by: User | None = None) -> Run:
    """Ask for a trial with a participant; one that is not over is joined. Raises PaceProblem, NotConfigured at once."""
    prepare_question(client.pk)
    require_configured(NDIA)
    return request_once(
        PACE_TRIAL_NAME,
        NewRunItem(f"pace-interfaces:{client.pk}", client.pk),
        trigger=Run.Trigger.ON_DEMAND,
        scope="PACE operations, each once",
        requested_by=requested_by,
    )


async def _try(session: Session, item: ClaimedItem) -> ItemResult:
    assert item.client_id is not None
    try:
        identity = await session.database.do(prepare_question, item.client_id)
    except PaceProblem as problem:
        raise ItemFailed(problem.code, problem.message, problem.advice, step="try") from None
    for _ in range(count_budget_questions(session.source)):
        await take_budget_call(session)

    async def on_call(done: int, calls: int) -> None:
        await session.report_progress(item, done, calls, f"{done} of {calls} operations")

    return await keep_trial(session, item, await try_pace(session.source, identity, on_call))


PACE_INTERFACE_TRIAL = WorkKind(
    name=PACE_TRIAL_NAME,
    label="Trial of the PACE interfaces",
    items="trials",
    funder=NDIA,
    work=_try,
    may_ask=may_administer,
)
