"""Two installations beside one sandbox, in real processes: one surveys, the other reads everybody in full each night.

What either of them knows is asked of its database. Nothing here reads or writes through the product's own code; only
the names of tables and columns are taken from its models.
"""

import contextlib
import json
import urllib.error
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from django.db import models

from carefund.records.models import (
    ApprovedService,
    BudgetUsage,
    Change,
    Classification,
    Entitlement,
    IndividualContribution,
    Plan,
    PlanBudget,
    Supplement,
)
from tests.runs.installation import Installation, wait_until

RECORDS: tuple[type[models.Model], ...] = (
    Plan, Classification, ApprovedService, Supplement, IndividualContribution, PlanBudget, Entitlement, BudgetUsage,
)  # fmt: skip
_NOT_THE_FUNDERS = {"id", "changed_at", "created_at"}  # whose numbers and instants they are
_STATE = ("consent_missing", "error_code", "digests", "row_counts", "wrong_figures", "unanswered", "unread_budgets")
_UNDER_WAY = "SELECT count(*) FROM runs_run WHERE status NOT IN ('finished', 'cancelled')"
_CLIENTS = "records_client c JOIN records_syncstate s ON s.client_id = c.id"
_READABLE = "s.outcome <> 'failed'"
Rows = dict[str, list[tuple[Any, ...]]]


@dataclass
class Twins:
    """`surveyed` finds out by surveys whom to read; `full` reads everybody."""

    surveyed: Installation
    full: Installation

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the sandbox's control."""
        return self.surveyed.ask(method, path, body)

    def try_edit(self, method: str, path: str, body: Any) -> None:
        """An edit, unless the sandbox refuses it."""
        with contextlib.suppress(urllib.error.HTTPError):
            self.ask(method, path, body)

    def night(self, *, read_all: bool = True, meanwhile: Callable[[Callable[[], bool]], None] | None = None) -> int:
        """A survey with its reads, and a full pass beside it; gives how many the survey had read. `meanwhile` is
        called during the survey's run, with a function that says whether it is over."""
        newest = int(self.surveyed.rows("SELECT max(id) FROM runs_run")[0][0])
        with ThreadPoolExecutor(2) as both:
            waiting = [both.submit(_carry_out, self.surveyed, "--parts", "survey")]
            if read_all:
                waiting.append(both.submit(_carry_out, self.full))
            if meanwhile:
                meanwhile(waiting[0].done)
            for run in waiting:
                run.result()
        query = f"SELECT coalesce(sum(total), 0) FROM runs_run WHERE id > {newest} AND kind = 'sync'"
        return int(self.surveyed.rows(query)[0][0])

    def pass_a_day(self) -> None:
        """What surveys remember is a day older."""
        for table, column in (
            ("records_surveymark", "read_in_full_at"),
            ("records_syncstate", "checked_at"),
            ("records_survey", "started_at"),
            ("records_surveysuspect", "since"),
        ):
            earlier = f"{column} - interval '1 day'" if self.surveyed.database_url else f"datetime({column}, '-1 day')"
            self.surveyed.write(f"UPDATE {table} SET {column} = {earlier}")

    def newest_changes(self) -> tuple[int, int]:
        """Where both change logs are by now."""
        newest = "SELECT coalesce(max(id), 0) FROM records_change"
        return int(self.surveyed.rows(newest)[0][0]), int(self.full.rows(newest)[0][0])


def _carry_out(installation: Installation, *arguments: str) -> None:
    installation.carefund("runs", "start", "--no-watch", *arguments)
    wait_until(lambda: installation.rows(_UNDER_WAY) == [(0,)], lambda: installation.log)


def list_records(installation: Installation) -> Rows:
    """What is stored of everybody, by table, without our own numbers and instants."""
    found = {model._meta.db_table: _rows(installation, _select(model)) for model in RECORDS}
    return found | {
        "clients": _rows(installation, f"SELECT c.care_recipient_id, c.service_provider_id FROM {_CLIENTS}"),
        "states": _rows(installation, f"{_select_state(*_STATE)}"),
    }


def list_returned(installation: Installation) -> Rows:
    """What the funder says by now of those who can be read: what is no longer returned is left out, with what hangs on
    it. Whoever looked while edits were made may have seen that, and nobody else."""
    found = {
        model._meta.db_table: _rows(installation, f"{_select(model)} WHERE {_READABLE}{_returned(model)}")
        for model in RECORDS
    }
    return found | {"states": _rows(installation, _select_state("consent_missing", "error_code"))}


def _returned(model: type[models.Model]) -> str:
    names = {field.name for field in model._meta.concrete_fields}
    own = " AND r.no_longer_returned_date IS NULL" if "no_longer_returned_date" in names else ""
    return own + (" AND b.no_longer_returned_date IS NULL" if "plan_budget" in names else "")


def _rows(installation: Installation, query: str) -> list[tuple[Any, ...]]:
    return sorted((tuple(map(_plain, row)) for row in installation.rows(query)), key=repr)


def _select_state(*names: str) -> str:
    columns = ", ".join(f"s.{name}" for name in names)
    return f"SELECT c.care_recipient_id, s.outcome = 'failed', {columns} FROM {_CLIENTS}"


def find_differences(some: Rows, others: Rows) -> list[tuple[str, str, Any]]:
    """Table, side and row of what stands on one side alone."""
    return [
        (table, side, row)
        for table in others
        for side, these, those in (("surveyed", some, others), ("full", others, some))
        for row in these[table]
        if row not in those[table]
    ]


def _select(model: type[models.Model]) -> str:
    own = [field for field in model._meta.concrete_fields if not field.is_relation]
    columns = ["c.care_recipient_id", *(f"r.{field.column}" for field in own if field.name not in _NOT_THE_FUNDERS)]
    joins = f"{_CLIENTS} JOIN {model._meta.db_table} r ON r.client_id = c.id"
    if any(field.name == "plan_budget" for field in model._meta.concrete_fields):
        columns += ["b.budget_id", "b.ordinal"]
        joins += " JOIN records_planbudget b ON b.id = r.plan_budget_id"
    return f"SELECT {', '.join(columns)} FROM {joins}"


def list_changes(installation: Installation, after: int = 0) -> dict[str, list[tuple[Any, ...]]]:
    """The change log of each person, in order, without instants."""
    query = (
        "SELECT c.care_recipient_id, h.kind, h.action, h.key, h.field, h.before, h.after, h.cause"
        f" FROM {_CLIENTS} JOIN records_change h ON c.id = h.client_id WHERE h.id > {after} ORDER BY h.id"
    )
    found: dict[str, list[tuple[Any, ...]]] = {}
    for person, *change in installation.rows(query):
        found.setdefault(str(person), []).append(tuple(map(_plain, change)))
    return found


def list_evidence(installation: Installation) -> dict[tuple[str, ...], list[tuple[str, bool]]]:
    """The digests of the answers to each question, in order, and which of them is current."""
    query = (
        "SELECT c.care_recipient_id, a.operation, a.subject_id, a.page, a.payload_id, a.current_until IS NULL"
        " FROM records_answer a JOIN records_client c ON c.id = a.client_id ORDER BY a.current_from, a.id"
    )
    found: dict[tuple[str, ...], list[tuple[str, bool]]] = {}
    for *question, digest, is_current in installation.rows(query):
        found.setdefault(tuple(map(str, question)), []).append((digest, bool(is_current)))
    return found


def list_current_evidence(installation: Installation) -> dict[tuple[str, ...], str]:
    """The digest of the current answer to each question about those who can be read, and budgets still returned."""
    returned = list_returned_budgets(installation)
    people = {
        str(person) for (person,) in installation.rows(f"SELECT c.care_recipient_id FROM {_CLIENTS} WHERE {_READABLE}")
    }
    return {
        question: digest
        for question, answers in list_evidence(installation).items()
        for digest, is_current in answers
        if is_current and question[0] in people and (question[1] != "budget_details" or question[2] in returned)
    }


def list_returned_budgets(installation: Installation) -> set[str]:
    """The ids of the budgets that are still returned."""
    query = "SELECT budget_id FROM records_planbudget WHERE no_longer_returned_date IS NULL"
    return {str(budget_id) for (budget_id,) in installation.rows(query)}


def sum_up(installation: Installation, after: int) -> set[tuple[Any, ...]]:
    """What the change log comes to since then, of those who can be read and budgets still returned: who looked
    meanwhile may have seen states that nobody else saw.

    Of a record that was there before and is there now, each field that differs; of any other, whether it is there.
    """
    was_there: dict[tuple[str, ...], bool] = {}
    is_there: dict[tuple[str, ...], bool] = {}
    fields: dict[tuple[str, ...], tuple[Any, Any]] = {}
    failed = f"SELECT c.care_recipient_id FROM {_CLIENTS} WHERE NOT {_READABLE}"
    unread, returned = {str(person) for (person,) in installation.rows(failed)}, list_returned_budgets(installation)
    for person, log in list_changes(installation, after).items():
        for kind, action, key, field, old, new, _ in log:
            parts = json.loads(key)
            if person in unread or (kind in _OF_A_BUDGET and str(parts[0]) not in returned):
                continue
            record = (person, kind, key)
            was_there.setdefault(record, action in (Change.CHANGED, *_GONE))
            is_there[record] = action not in _GONE
            if action == Change.CHANGED:
                first, _last = fields.get((*record, field), (old, new))
                fields[*record, field] = first, new
    came = {record for record, was in was_there.items() if was != is_there[record]}
    left = {record for record, is_now in is_there.items() if not is_now}
    moved = {(*changed, new) for changed, (old, new) in fields.items() if old != new}
    return {("came or went", *record, is_there[record]) for record in came} | {
        ("moved", *change) for change in moved if change[:3] not in came | left
    }


_OF_A_BUDGET = ("entitlements", "budget_usage")
_GONE = (Change.NO_LONGER_RETURNED, Change.REMOVED)


def _plain(value: Any) -> Any:
    """JSON as text or not, as the databases give it."""
    if isinstance(value, str) and value[:1] in "[{":
        with contextlib.suppress(ValueError):
            value = json.loads(value)
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value
