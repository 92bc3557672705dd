"""The proof: whatever changes, also between the pages of a list, surveys end where full passes end.

Two installations beside one sandbox, in real processes: one surveys and reads whom that finds, the other reads
everybody. They must end in the same rows, change log and stored answers for what lists show; the rest within the
rotation.
`make survey-proof` runs as many rounds as `CAREFUND_PROOF_ROUNDS` says, from the seed `CAREFUND_PROOF_FIRST_SEED` on.
The name of a failed test has its seed.
Source: rule SYNC-19.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.conf import settings

from sandbox.edits import DROPPABLE, EDITS
from sandbox.pool_edits import CHANGES
from sandbox.scenarios import SCENARIOS
from tests.runs.conftest import another_database
from tests.runs.installation import Installation
from tests.runs.twins import (
    Twins,
    find_differences,
    list_changes,
    list_current_evidence,
    list_evidence,
    list_records,
    list_returned,
    sum_up,
)

pytestmark = pytest.mark.slow
ROUNDS = int(os.environ.get("CAREFUND_PROOF_ROUNDS", "1"))
FIRST = int(os.environ.get("CAREFUND_PROOF_FIRST_SEED", "0"))
IS_LONG = "CAREFUND_PROOF_ROUNDS" in os.environ
PEOPLE = 60 if IS_LONG else 30
STRANGERS = 5  # listed, if created, and no clients here
FAILING = 3  # of those scenarios that nobody can read
WORKERS = 3 if IS_LONG else 2
PAGE_LIMIT = "7"  # rows a page; ten times as many of lists with short rows
PROVIDERS = ("4049000001", "4049000002", "4049000003", "4049999999")
ROTATION_DAYS = 3
Edit = tuple[str, str, dict[str, Any]]


def _id(number: int) -> str:
    return str(400_000_000 + number)


def _change(kind: str, body: Callable[[Random], dict[str, Any]]) -> Callable[[Twins, Random], Edit]:
    return lambda _, r: ("POST", f"/care-recipients/{_anybody(r)}/{kind}", body(r))


def _anybody(random: Random) -> str:
    return _id(random.randint(1, PEOPLE + STRANGERS))


def _with_consent(random: Random) -> str:
    """Somebody whom no scenario or undoing leaves without consent, which no list shows."""
    return random.choice([_id(number) for number in range(1, PEOPLE + 1) if _id(number) not in _WITHOUT_CONSENT])


_WITHOUT_CONSENT: set[str] = set()  # filled from the sandbox's own list
_NOT_LISTED_SCENARIO = "consent-refused"
_OWN_DROPS = tuple(what for what in DROPPABLE if what != "usage")


def _reissue(*, is_listed: bool) -> Callable[[Twins, Random], Edit]:
    def make(twins: Twins, random: Random) -> Edit:
        person = _id(random.randint(1, PEOPLE))
        today = date.fromisoformat(twins.ask("GET", "/clock")["today"])
        first_day = (today - timedelta(days=80)).isoformat()
        budgets = twins.ask("GET", f"/care-recipients/{person}")["budgets"]
        fit = [row["budgetId"] for row in budgets if ((row["endDate"] or "9999") > first_day) == is_listed]
        body = {"budgetId": random.choice(fit or ["1"]), "keepOld": random.random() < 0.5}
        return "POST", f"/care-recipients/{person}/reissue-budget", body

    return make


# Every edit of which a list shows something.
SHOWN: dict[str, Callable[[Twins, Random], Edit]] = {
    "scenario": lambda _, r: (
        "POST",
        f"/care-recipients/{_with_consent(r)}/scenario",
        {"name": r.choice([name for name in SCENARIOS if name != _NOT_LISTED_SCENARIO])},
    ),
    "known": _change("known", lambda r: {"known": r.random() < 0.6}),
    "change-level": _change("change-level", lambda r: {"level": str(r.randint(1, 8))}),
    "add-usage": _change("add-usage", lambda r: {"amount": f"-{r.randint(1, 90)}.{r.randint(10, 99)}"}),
    "add-usage elsewhere": _change("add-usage", lambda _: {"amount": "-8.00", "serviceProviderId": "4049000009"}),
    "add-usage of equipment": _change("add-usage", lambda _: {"amount": "-8.00", "budgetTypeCode": "AT"}),
    "reissue-budget": _reissue(is_listed=True),
    "drop": _change("drop", lambda r: {"what": r.choice(_OWN_DROPS)}),
    "restore": _change("restore", lambda r: {"what": r.choice(_OWN_DROPS)}),
    "end-classifications": _change("end-classifications", lambda _: {}),
    "add-classification": _change("add-classification", lambda r: {"code": r.choice(("AT", "HM")), "level": "LOW"}),
    "add-supplement": _change("add-supplement", lambda _: {"typeCode": "OXY_NORM"}),
    "contributions": _change(
        "contributions",
        lambda r: {
            "rows": [{"independencePercentage": r.randint(0, 50), "everydayLivingPercentage": r.randint(0, 80)}]
            * r.randint(0, 2)
        },
    ),
    "service-provider": _change("service-provider", lambda r: {"serviceProviderId": r.choice(PROVIDERS)}),
    "roll-over": _change("roll-over", lambda _: {}),
    "identity": _change("identity", lambda r: {"firstName": f"Name{r.randint(1, 9)}"}),
    "undo": lambda _, r: ("DELETE", f"/care-recipients/{_with_consent(r)}", {}),
    "create": lambda _, r: ("POST", "/care-recipients", {"scenario": r.choice(list(SCENARIOS))}),
    "share": lambda _, r: ("POST", f"/change?share=0.05&seed={r.random()}", {}),
    "pools": lambda _, r: ("POST", f"/service-providers/{r.choice(PROVIDERS)}/{r.choice(CHANGES)}", {}),
    "pools undone": lambda _, r: ("DELETE", f"/service-providers/{r.choice(PROVIDERS)}", {}),
}
# Of these no list shows anything; undoing and scenarios may take them back.
HIDDEN: dict[str, Callable[[Twins, Random], Edit]] = {
    "consent": _change("consent", lambda r: {"given": r.random() < 0.3}),
    "drop usage": _change("drop", lambda _: {"what": "usage"}),
    "reissue-budget that ended long ago": _reissue(is_listed=False),
    "restore usage": _change("restore", lambda _: {"what": "usage"}),
    "scenario": _change("scenario", lambda r: {"name": r.choice(list(SCENARIOS))}),
    "undo": lambda _, r: ("DELETE", f"/care-recipients/{_anybody(r)}", {}),
}


def test_no_edit_of_the_sandbox_is_left_out():
    """Whoever adds one to the sandbox adds it here. Claims reach a client's funding as draws, which `add-usage` is."""
    beside = {"undo", "create", "share", "pools"}
    assert {name.split()[0] for name in SHOWN | HIDDEN} == set(EDITS) | beside
    assert {*_OWN_DROPS, "usage"} == set(DROPPABLE)


@pytest.fixture(scope="module")
def beginning(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation that read everybody once, to be copied."""
    folder = tmp_path_factory.mktemp("proof") / "data"
    if not settings.ON_POSTGRESQL:
        yield _read_everybody(request.getfixturevalue("installed").copy(folder))
        return
    installed = request.getfixturevalue("installed_on_postgresql")
    with another_database("carefund_proof", template=installed.database_url.rsplit("/", 1)[-1]) as database_url:
        yield _read_everybody(installed.copy(folder, database_url))


def _read_everybody(installation: Installation) -> Installation:
    installation.forks = True
    installation.write(f"UPDATE records_client SET is_active = false WHERE care_recipient_id > '{_id(PEOPLE)}'")
    installation.write("UPDATE runs_schedule SET is_enabled = false")
    installation.ask("POST", "/reset", {})
    installation.ask("POST", "/switches", {"latencyMs": 0})
    installation.settings["CAREFUND_PAGE_LIMIT"] = PAGE_LIMIT  # of answers of several pages, each is evidence
    installation.start("worker")
    installation.carefund("runs", "start", "--no-watch")
    installation.wait_for_status("finished")
    installation.stop()
    _WITHOUT_CONSENT.update(
        person
        for row in installation.ask("GET", "/scenarios")
        if row["name"] == _NOT_LISTED_SCENARIO
        for person in row["careRecipientIds"]
    )
    return installation


@pytest.fixture
def twins(beginning: Installation, tmp_path: Path) -> Iterator[Twins]:
    """Two copies, as they were after the first sync, and the world as it was."""
    beginning.ask("POST", "/reset", {})
    beginning.ask("DELETE", "/faults")
    beginning.ask("POST", "/switches", {"latencyMs": 0, "onlyCurrentBudgets": False})
    with ExitStack() as stack:
        copies = []
        for name in ("surveyed", "full"):
            database_url = ""
            if beginning.database_url:
                template = beginning.database_url.rsplit("/", 1)[-1]
                database_url = stack.enter_context(another_database(f"carefund_{name}", template=template))
            copy = beginning.copy(tmp_path / name, database_url)
            copy.forks = True
            stack.callback(copy.stop)
            copy.settings |= {
                "CAREFUND_PAGE_LIMIT": PAGE_LIMIT,
                "CAREFUND_SURVEY_ROTATION_DAYS": "0",
                "CAREFUND_SURVEY_VANISHED_PERCENT": "100",
                "CAREFUND_SURVEY_DRIFT_PERCENT": "100",
            }
            copies.append(copy)
        yield Twins(*copies)


def start(twins: Twins, **of_surveyed: str) -> Twins:
    """Their workers: several where the database allows them."""
    twins.surveyed.settings |= of_surveyed
    for installation in (twins.surveyed, twins.full):
        for _ in range(WORKERS if installation.database_url else 1):
            installation.start("worker")
    return twins


def edit(twins: Twins, edits: dict[str, Callable[[Twins, Random], Edit]], random: Random, times: int) -> None:
    """So many random edits; one that the sandbox refuses, since it makes no sense there, is none."""
    for _ in range(times):
        method, path, body = edits[random.choice(list(edits))](twins, random)
        twins.try_edit(method, path, body)


def assert_same_story(twins: Twins) -> None:
    """The same rows, change log and stored answers, down to their order."""
    assert find_differences(list_records(twins.surveyed), list_records(twins.full)) == []
    assert list_changes(twins.surveyed) == list_changes(twins.full)
    assert list_evidence(twins.surveyed) == list_evidence(twins.full)


def assert_same_end(twins: Twins, since: tuple[int, int]) -> None:
    """The same rows and answers by now, and change logs that come to the same."""
    assert find_differences(list_returned(twins.surveyed), list_returned(twins.full)) == []
    assert list_current_evidence(twins.surveyed) == list_current_evidence(twins.full)
    assert sum_up(twins.surveyed, since[0]) == sum_up(twins.full, since[1])


@pytest.mark.parametrize("seed", range(FIRST, FIRST + ROUNDS))
def test_random_edits_between_surveys(seed: int, twins: Twins) -> None:
    random = Random(seed)
    start(twins)
    assert twins.night(read_all=False) <= FAILING  # of all others, what is stored says what the lists say
    for _ in range(3):
        edit(twins, SHOWN, random, random.randint(4, 16))
        assert twins.night() < PEOPLE
        assert_same_story(twins)


@pytest.mark.parametrize("seed", range(FIRST + 100, FIRST + 100 + ROUNDS))
def test_edits_between_the_pages_of_a_survey_and_faults(seed: int, twins: Twins) -> None:
    random = Random(seed)
    start(twins)
    since = twins.newest_changes()
    edit(twins, SHOWN, random, 6)
    twins.ask("POST", "/switches", {"latencyMs": 10})
    for fault in random.sample(FAULTS, 3):
        twins.ask("POST", "/faults", fault)

    def edit_meanwhile(is_over: Callable[[], bool]) -> None:
        while not is_over():
            edit(twins, SHOWN, random, 1)
            time.sleep(0.05)

    twins.night(read_all=False, meanwhile=edit_meanwhile)
    twins.ask("DELETE", "/faults")
    twins.ask("POST", "/switches", {"latencyMs": 0})
    twins.night()  # finds what moved while the first one read
    assert_same_end(twins, since)


FAULTS: list[dict[str, Any]] = [
    {"kind": "status", "status": 503, "probability": 0.03},
    {"kind": "status", "status": 429, "retryAfter": "0", "probability": 0.03},
    {"kind": "drop", "probability": 0.02},
    {"kind": "truncate", "probability": 0.02},
    {"kind": "not-json", "operation": "budget_details", "probability": 0.05},
    {"kind": "duplicate-row", "operation": "budget_summary", "probability": 0.3},
    {"kind": "duplicate-row", "operation": "care_recipient_summaries", "probability": 0.2},
    {"kind": "raw-value", "operation": "budget_summary", "field": "used", "text": "-1.00", "probability": 0.2},
    {"kind": "status", "status": 403, "operation": "budget_summary", "probability": 0.1},
]


@pytest.mark.parametrize("seed", range(FIRST + 200, FIRST + 200 + ROUNDS))
def test_what_no_list_shows_is_found_within_the_rotation(seed: int, twins: Twins) -> None:
    random = Random(seed)
    start(twins, CAREFUND_SURVEY_ROTATION_DAYS=str(ROTATION_DAYS))
    since = twins.newest_changes()
    twins.night(read_all=False)
    edit(twins, SHOWN | HIDDEN, random, 20)
    edit(twins, HIDDEN, random, 10)
    for night in range(ROTATION_DAYS + 1):
        twins.pass_a_day()
        twins.night(read_all=night == ROTATION_DAYS)
    assert_same_end(twins, since)


_IS = "WHERE c.care_recipient_id ="


@pytest.mark.one_database
def test_a_list_that_is_early_is_not_believed(twins: Twins) -> None:
    """The list shows a draw that the person's own answer does not show yet."""
    start(twins)
    twins.night(read_all=False)
    someone = _id(3)
    twins.ask("POST", f"/care-recipients/{someone}/add-usage", {"amount": "-33.00"})
    fault = {"kind": "raw-value", "operation": "budgets_by_care_recipient", "field": "used", "text": "0.00"}
    twins.ask("POST", "/faults", fault | {"subject": someone})
    assert twins.night() <= 1 + FAILING
    reason = f"SELECT reason FROM records_surveysuspect s JOIN records_client c ON c.id = s.client_id {_IS} '{someone}'"
    assert twins.surveyed.rows(reason) == [("changed in the lists",)]
    assert_same_story(twins)
    twins.ask("DELETE", "/faults")
    assert twins.night() <= 1 + FAILING
    assert twins.surveyed.rows(reason) == []
    assert_same_story(twins)


@pytest.mark.one_database
def test_a_list_that_is_late_hides_nothing(twins: Twins) -> None:
    """The list says less than the person's own answer, until it catches up."""
    start(twins)
    twins.night(read_all=False)
    fault = {"kind": "raw-value", "operation": "budget_summary", "field": "used", "text": "-1.00"}
    twins.ask("POST", "/faults", fault)
    assert twins.night(read_all=False) > PEOPLE // 2
    twins.ask("POST", f"/care-recipients/{_id(3)}/add-usage", {"amount": "-33.00"})
    twins.night()
    assert_same_story(twins)
    twins.ask("DELETE", "/faults")
    twins.night(read_all=False)
    assert twins.night() < PEOPLE // 4
    assert_same_story(twins)
