"""A trial of the interfaces as a kind of work: the funder is asked about one client, and a report is kept with the run.

Its answers go to the archive of trials; no record is written.
"""

from functools import partial

from django.contrib.auth.models import User

from carefund.access.roles import may_administer
from carefund.records.models import Client
from carefund.records.trials import store_trial
from carefund.runs.business_day import business_today
from carefund.runs.funder_sessions import SERVICES_AUSTRALIA, require_configured
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import NewRunItem, request_once
from carefund.runs.sessions import Session
from carefund.runs.work_kind import ItemResult, WorkKind
from carefund.sync.trials import Trial, try_interfaces

_NAME = "interface-trial"
PACE_TRIAL_NAME, WRITE_TRIAL_NAME = "pace-interface-trial", "write-trial"


def request_trial(client: Client, requested_by: User | None = None) -> Run:
    """Ask for a trial with a client; one that is not over is joined. Raises NotConfigured at once."""
    require_configured(SERVICES_AUSTRALIA)
    return request_once(
        _NAME,
        NewRunItem(f"interfaces:{client.pk}", client.pk, client.care_recipient_id or ""),
        trigger=Run.Trigger.ON_DEMAND,
        scope="reading operations, each once",
        requested_by=requested_by,
    )


def find_newest_trial() -> RunItem | None:
    """The newest trial, whoever it was about: under way, or with its report."""
    trials = RunItem.objects.filter(run__kind__in=(_NAME, PACE_TRIAL_NAME, WRITE_TRIAL_NAME))
    return trials.select_related("run").order_by("-run_id", "-id").first()  # runs are few: begin with the newest


async def _try(session: Session, item: ClaimedItem) -> ItemResult:
    client = await session.database.do(Client.objects.get, pk=item.client_id)

    async def on_call(done: int, calls: int) -> None:
        await session.report_progress(item, done, calls, f"{done} of {calls} operations")

    trial = await try_interfaces(
        session.source,
        item.care_recipient_id,
        client.service_provider_id,
        business_today(),
        on_call,
        (client.first_name, client.last_name),
    )
    return await keep_trial(session, item, trial)


async def keep_trial(session: Session, item: ClaimedItem, trial: Trial) -> ItemResult:
    """Keep the answers of a trial about a client. Return its result, with the report."""
    assert item.client_id is not None
    await session.write(item, partial(store_trial, item.client_id, trial.answers))
    calls = trial.report["calls"]
    asked = [call for call in calls if call["milliseconds"] is not None]
    message = (
        f"{len(asked)} operations asked, {sum(bool(call['problem']) for call in asked)} without a readable answer, "
        f"{len(calls) - len(asked)} not asked, {len(trial.report['lines'])} lines to change."
    )
    return ItemResult(RunItem.Outcome.UNCHANGED, message, result=trial.report)


INTERFACE_TRIAL = WorkKind(
    name=_NAME,
    label="Trial of the interfaces",
    items="trials",
    funder=SERVICES_AUSTRALIA,
    work=_try,
    may_ask=may_administer,
)
