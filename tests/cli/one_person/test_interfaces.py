"""`carefund interfaces check`: from what a funder says of itself to the rows of the plain dialect."""

import json
import random
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from carefund.funders.dialect import Interfaces
from carefund.funders.interfaces.file import as_text
from tests.funders.dialects import ask, make_dialect, save_descriptions, speaking
from tests.installation import Installation

pytestmark = pytest.mark.one_database
PERSON = "400000003"
TABLES = ("plan", "classification", "approvedservice", "supplement", "individualcontribution", "planbudget",
          "entitlement", "budgetusage")  # fmt: skip
TODAY = "2026-05-20"


def rows_of(installation: Installation) -> dict[str, list[list[str]]]:
    """What is stored about the person, without our own numbers and times."""
    found = {}
    for table in TABLES:
        fields = apps.get_model("records", table)._meta.concrete_fields
        columns = [field.column for field in fields if not field.is_relation]
        kept = [name for name in columns if name != "id" and not name.endswith(("_at", "version"))]
        listed = installation.rows(f"SELECT {', '.join(kept)} FROM records_{table}")
        found[table] = sorted([str(value) for value in row] for row in listed)
    return found


def register(installation: Installation, url: str) -> None:
    """Activate a device at another sandbox."""
    code = ask(url, "/proda/devices", {"deviceName": "carefund-sandbox-device"})["activationCode"]
    done = installation.type("device", "activate", code, sandbox_url=url)
    assert done.status == 0, done.err


def share(installation: Installation, url: str, name: str) -> Path:
    """What the installation gives away of all that it has seen."""
    file = installation.folder / name
    done = installation.type("interfaces", "share", str(file), sandbox_url=url)
    assert done.status == 0, done.err
    return file


class Dice:
    """Chance that falls the same way each time, of a generator that nobody looked at."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def choose(self, options: Sequence[Any]) -> Any:
        return self._chance.choice(list(options))


def listed_commands() -> list[list[str]]:
    """What the first block of the document says to type."""
    text = (Path(__file__).parents[3] / "docs/first-contact.md").read_text()
    block = text.partition("```sh\n")[2].partition("```")[0]
    return [line.split()[1:] for line in block.splitlines()]


def dialect_of(seed: int) -> Interfaces:
    """The dialect that this generator makes."""
    return make_dialect(Dice(seed).choose, ("same", "snake", "pascal", "dressed"))


def differs_in_all(theirs: Interfaces) -> bool:
    """Whether members, paths, dates and lists are all written otherwise."""
    dialect = theirs.dialect
    return bool(len(dialect.members) > 50 and theirs.paths and dialect.date_format and dialect.envelopes)


@pytest.mark.slow
def test_who_follows_the_document_word_for_word_has_right_figures(
    installation: Installation, tmp_path: Path, one_sandbox: object
):
    with speaking(None) as url:
        register(installation, url)
        done = installation.type("sync", PERSON, sandbox_url=url)
        assert done.status == 0, done.err
        plain = rows_of(installation)
        for table in reversed(TABLES):
            installation.change_rows(f"DELETE FROM records_{table}")
    theirs = next(dialect for dialect in map(dialect_of, count(12)) if differs_in_all(dialect))
    file = tmp_path / "theirs.toml"
    file.write_text(as_text({"services-australia": theirs}))
    folder = tmp_path / "descriptions"
    folder.mkdir()
    with speaking(file) as url:
        register(installation, url)
        names = [str(path) for path in save_descriptions(url, folder)]
        first, second, third = listed_commands()
        assert (second[-1], third[-1]) == (PERSON, PERSON)
        words = [word for given in first for word in (names if given == "*.json" else [given])]
        checked = installation.type(*words, sandbox_url=url)
        assert checked.status == 0, checked.err
        refused = installation.type(*words, sandbox_url=url)
        assert (refused.status, "exists already" in refused.err) == (2, True)
        ready = installation.type("check", "--json", sandbox_url=url)
        assert ready.data["interfaces_file"] == str(installation.folder / "interfaces.toml")
        tried = installation.type(*second, "--json", sandbox_url=url)
        assert tried.status == 0, tried.err
        assert [line["line"] for line in tried.data["lines"] if line["sure"] > 0.9] == []
        assert tried.data["figures"]["wrong"] == 0
        done = installation.type(*third, sandbox_url=url)
        assert done.status == 0, done.err
        seen = share(installation, url, "seen.toml")
    found = rows_of(installation)
    assert plain["planbudget"]
    assert plain["budgetusage"]
    assert found == plain

    with speaking(seen) as url:
        register(installation, url)
        for words in (second, third):
            done = installation.type(*words, sandbox_url=url)
            assert done.status == 0, done.err
        again = share(installation, url, "again.toml")
    assert again.read_text() == seen.read_text(), "a sandbox started from what was shared speaks as the funder did"
    assert rows_of(installation) == plain


def test_a_description_of_something_else_is_refused_and_nothing_is_written(installation: Installation):
    file = installation.folder / "pets.yaml"
    file.write_text(json.dumps({"openapi": "3.0.0", "paths": {"/pets": {"get": {"responses": {}}}}}))
    done = installation.type("interfaces", "check", str(file), "--accept-likely")
    assert done.status == 2
    assert "no operation that Carefund uses is described here" in done.err
    assert not (installation.folder / "interfaces.toml").exists()


def test_a_file_with_a_fault_stops_every_command_with_one_sentence(installation: Installation):
    file = installation.folder / "interfaces.toml"
    file.write_text('format = 1\n[services-australia.members.Budget]\nusd = "x"\n')
    done = installation.type("check", interfaces_file=str(file))
    expected = 'interfaces.toml: "Budget.usd" is not a member of an answer. Did you mean "Budget.used"?'
    assert (done.status, done.out, done.err) == (1, "", f"Error: {expected}\n")
