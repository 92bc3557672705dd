"""The job of docs/api.md, word for word: the shell script and the Python program run against a real server.

The calls of the spreadsheet's queries, which only Microsoft's programs can carry out, are made as they are written.
"""

import csv
import importlib
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.house.tree import DOCS
from tests.runs.installation import Installation, running_sandbox, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.one_database]
PAGE = (DOCS / "api.md").read_text()
ADDRESS = "http://127.0.0.1:8000"  # as the page has it
TOKEN = "cft_…"
TYPES = {"text": str, "date": date.fromisoformat, "number": Decimal}


def programs(language: str) -> list[str]:
    """The programs of the page in a language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass(frozen=True)
class Served:
    """Carefund with its background work, beside a sandbox."""

    installation: Installation
    address: str

    def type(self, line: str) -> str:
        """Type a command of the page; give the first line that it prints."""
        words = re.findall(r'"[^"]*"|\S+', line)
        return self.installation.carefund(*[word.strip('"') for word in words[1:]]).splitlines()[0]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with running_sandbox(60) as sandbox_url:
        made = Installation(tmp_path_factory.mktemp("api") / "data", sandbox_url)
        made.settings["CAREFUND_WEBHOOK_ADDRESSES"] = "127.0.0.1/32"
        made.prepare(0)
        made.carefund("users", "add", "payroll", "--password", "wattle-grove-demo", "--role", "Finance")
        made.start("serve", "--port", "0")
        try:
            wait_until(lambda: "Console on " in made.log, lambda: made.log)
            yield Served(made, re.findall(r"Console on (\S+)", made.log)[0])
        finally:
            made.stop()


def begin(served: Served, folder: Path, program: list[str]) -> "subprocess.Popen[str]":
    """Do what the page says before the job, then start a program of it."""
    port = str(free_port())
    add_token, add_webhook = programs("sh")[0].splitlines()
    token = served.type(add_token)
    secret = served.type(add_webhook.replace(":8090", f":{port}"))
    (folder / "receiver.py").write_text(programs("python")[0])
    known = {"ADDRESS": served.address, "TOKEN": token, "WEBHOOK_SECRET": secret, "RECEIVER_PORT": port}
    return subprocess.Popen(
        program, cwd=folder, env=os.environ | known, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.fixture(scope="module")
def said(served: Served, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the shell script and the Python program said; they run beside each other, since both wait."""
    if not (shutil.which("curl") and shutil.which("jq")):
        pytest.skip("needs curl and jq")
    folders = {name: tmp_path_factory.mktemp(name) for name in ("curl", "python")}
    (folders["curl"] / "job.sh").write_text(programs("sh")[1])
    (folders["python"] / "job.py").write_text(programs("python")[1])
    running = {
        "curl": begin(served, folders["curl"], ["sh", "-eu", "job.sh"]),
        "python": begin(served, folders["python"], [sys.executable, "job.py"]),
    }
    said = {}
    for name, process in running.items():
        try:
            said[name], _ = process.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"waited in vain\n{served.installation.log}") from None
        assert process.returncode == 0, said[name] + served.installation.log
    return said


@pytest.mark.parametrize("name", ["curl", "python"])
def test_the_job_reads_the_change_and_the_budget(said: dict[str, str], name: str):
    lines = said[name].splitlines()
    sentences = [line for line in lines if line.endswith(".")]
    budgets = [line for line in lines if re.fullmatch(r"\S+ -?[0-9]+\.[0-9]{2}", line)]
    assert sentences, said[name]
    assert budgets, said[name]
    assert len(sentences) + len(budgets) == len(lines), said[name]


def test_a_message_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The receiver's own check, with the example that Standard Webhooks gives."""
    (tmp_path / "receiver.py").write_text(programs("python")[0])
    monkeypatch.syspath_prepend(str(tmp_path))
    receiver = importlib.import_module("receiver")  # written just now

    monkeypatch.setattr(receiver.time, "time", lambda: 1614265330)
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    assert receiver.is_from_carefund(secret, headers, body)
    assert not receiver.is_from_carefund(secret, headers, body + b" ")
    assert not receiver.is_from_carefund(secret, headers | {"webhook-timestamp": "1614260000"}, body)


def ask(served: Served, token: str, query: str, **values: str) -> bytes:
    """Make the one call of a query: its address, its parameters (`values` stand for names) and its header."""
    [(path, fields)] = re.findall(r'Ask\("([^"]+)", \[(.*?)\]\)', query)
    given = {
        name: text.strip('"') if text.startswith('"') else values[text]
        for name, text in re.findall(r'(\w+) = ("[^"]*"|\w+)', fields)
    }
    address = re.findall(r'Address = "([^"]+)"', query)[0].replace(ADDRESS, served.address)
    written = re.findall(r'Token = "([^"]+)"', query)[0].replace(TOKEN, token)
    [(header, beginning)] = re.findall(r'Headers = \[(\w+) = "([^"]+)" & Token\]', query)
    request = urllib.request.Request(f"{address}/{path}?{urllib.parse.urlencode(given)}")
    request.add_header(header, beginning + written)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return bytes(answer.read())


def test_the_spreadsheet_finds_what_its_queries_name(served: Served, said: dict[str, str]):
    token = served.type("carefund tokens add payroll --scope read")
    budgets, changes = [program for program in programs("text") if program.startswith("let")]
    rows = list(csv.DictReader(io.StringIO(ask(served, token, budgets).decode("utf-8-sig"))))
    assert {row["external_reference_id"] for row in rows} == {"HR-1041", "HR-1042"}
    columns = re.findall(r'\{"(\w+)", type (\w+)\}', budgets)
    assert len(columns) > 3
    for name, kind in columns:
        assert all(TYPES[kind](row[name]) is not None for row in rows if row[name]), name
    after, found = "0", []
    by_twos = changes.replace('"500"', '"2"')
    while True:
        page = json.loads(ask(served, token, by_twos, After=after))
        found += page["changes"]
        after = str(page["next_after"])
        if not page["has_more"]:
            break
    assert len(found) > 2
    named = re.findall(r"Table\.FromRecords\(Rows, \{(.*?)\}\)", changes)[0]
    assert set(re.findall(r'"(\w+)"', named)) <= set(found[0])
