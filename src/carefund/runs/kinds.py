"""The table of kinds of work. A new kind is a module beside this one that defines a `WorkKind`, and a line here."""

from carefund.runs.alerts.looking import ALERTS
from carefund.runs.alerts.mailing import ALERT_MAIL
from carefund.runs.backups import BACKUP
from carefund.runs.care_management.refreshing import POOLS
from carefund.runs.care_recipient.reprocessing import REPROCESSING
from carefund.runs.care_recipient.rolling_over import ROLLOVER
from carefund.runs.care_recipient.surveying import SURVEYING
from carefund.runs.care_recipient.syncing import SYNC
from carefund.runs.claims.accounts import ACCOUNT_SUMMARY
from carefund.runs.claims.claiming import CLAIM_BATCH, CLAIM_CHECK
from carefund.runs.connections import CONNECTION_TEST
from carefund.runs.erasing import ERASURE
from carefund.runs.models import Run
from carefund.runs.ndis.comparing import CONTRACT_COMPARISON
from carefund.runs.ndis.plans import PACE_PLAN
from carefund.runs.ndis.trials import PACE_INTERFACE_TRIAL
from carefund.runs.retention import RETENTION
from carefund.runs.service_providers import SERVICE_PROVIDERS
from carefund.runs.trials import INTERFACE_TRIAL
from carefund.runs.webhooks.delivering import WEBHOOKS
from carefund.runs.work_kind import WorkKind
from carefund.runs.write_trials import WRITE_TRIAL

_KINDS: dict[str, WorkKind] = {}


def register(kind: WorkKind) -> None:
    """Add a kind to the table, in place of one of the same name."""
    _KINDS[kind.name] = kind


def unregister(name: str) -> None:
    """Take a kind out of the table."""
    del _KINDS[name]


def find_kind(name: str) -> WorkKind:
    """The entry of a kind. Raises KeyError for a name that no entry has."""
    return _KINDS[name]


def describe_work(run: Run) -> str:
    """Return what a run does in words: "Send claim batches", "Synchronise clients: budgets and usage"."""
    label = find_kind(run.kind).label
    return f"{label}: {run.parts}" if run.kind == Run.SYNC and run.parts != Run.Parts.EVERYTHING else label


def list_kinds() -> list[WorkKind]:
    """Every kind, in the order of the table."""
    return list(_KINDS.values())


for _kind in (
    SYNC,
    SURVEYING,
    REPROCESSING,
    SERVICE_PROVIDERS,
    CLAIM_BATCH,
    CLAIM_CHECK,
    ACCOUNT_SUMMARY,
    ROLLOVER,
    POOLS,
    CONTRACT_COMPARISON,
    CONNECTION_TEST,
    INTERFACE_TRIAL,
    PACE_INTERFACE_TRIAL,
    WRITE_TRIAL,
    PACE_PLAN,
    RETENTION,
    ERASURE,
    BACKUP,
    WEBHOOKS,
    ALERTS,
    ALERT_MAIL,
):
    register(_kind)
