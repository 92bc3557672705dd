"""Whose runs somebody may watch through the API, and of these whose items.

Who may read every client and runs of many sees every run. Anybody else sees those that their account asked for, and of
these the items about clients whom they may read.
"""

from django.contrib.auth.models import User
from django.db.models import QuerySet

from carefund.access.gate import list_clients_for, reads_every_branch
from carefund.access.roles import may_read_runs
from carefund.records.not_found import find_one
from carefund.runs.models import Run, RunItem
from carefund.runs.queries import list_items, list_runs


def list_runs_to_watch(user: User, *, kind: str = "", before_id: int = 0) -> QuerySet[Run]:
    """The runs that somebody may watch, newest first."""
    runs = list_runs(with_all=True, kind=kind)
    if not _sees_all(user):
        runs = runs.filter(requested_by=user)
    return runs.filter(pk__lt=before_id) if before_id else runs


def find_run_to_watch(user: User, run_id: int) -> Run:
    """One run that somebody may watch. Raise NotHere."""
    return find_one(list_runs_to_watch(user).filter(pk=run_id), "There is no run with this number.")


def list_items_to_watch(user: User, run: Run, *, only: str = "", after_id: int = 0) -> QuerySet[RunItem]:
    """The items of a run that somebody may watch, in order."""
    items = list_items(run, only=only).filter(pk__gt=after_id)
    return items if _sees_all(user) else items.filter(client__in=list_clients_for(user))


def _sees_all(user: User) -> bool:
    return may_read_runs(user) and reads_every_branch(user)
