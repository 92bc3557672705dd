"""What an error that nobody expected says, in real processes: a reference, and nothing that it was about."""

import contextlib
import http.cookiejar
import re
import socket
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest

from tests.runs.installation import Installation, running_sandbox, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.one_database]
PERSON = "400000003"
PASSWORD = "two otters sing at noon"
NO_DAY = "2026-13-45 00:00:00"
TRACEBACK = re.compile(r"Traceback|^  File ", re.MULTILINE)
SECRET = re.compile(rf"{PERSON}|/clients/|/invoices/|must be in|{NO_DAY[:10]}")


class Visitor:
    """Somebody with a browser that keeps cookies."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        return self._open(urllib.request.Request(self._address + path, headers=headers))

    def post(self, path: str, **form: str) -> tuple[int, str]:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(path)[1])
        assert token
        data = urllib.parse.urlencode({"csrfmiddlewaretoken": token[1], **form}).encode()
        return self._open(urllib.request.Request(self._address + path, data, {"Referer": self._address + path}))

    def send(self, path: str, body: str, **headers: str) -> tuple[int, str]:
        """JSON, as a programme sends it."""
        headers |= {"Content-Type": "application/json"}
        return self._open(urllib.request.Request(self._address + path, body.encode(), headers))

    def _open(self, request: urllib.request.Request) -> tuple[int, str]:
        try:
            with self._opener.open(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One client, who was synchronised, and whose entry in the ledger can no longer be read."""
    with running_sandbox(5) as sandbox_url:
        made = Installation(tmp_path_factory.mktemp("failures") / "data", sandbox_url)
        made.prepare(5)
        made.carefund("users", "add", "boss", "--password", PASSWORD)
        made.carefund("sync", PERSON)
        made.write(f"UPDATE runs_runitem SET finished_at = '{NO_DAY}'")
        yield made
        made.stop()


@pytest.fixture(scope="module")
def visitor(installation: Installation) -> Visitor:
    """An administrator, signed in at a server that runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    installation.start("serve", "--port", str(port), "--web-only")
    someone = Visitor(f"http://127.0.0.1:{port}")

    def answers() -> bool:
        with contextlib.suppress(OSError):
            return someone.get("/sign-in")[0] == 200
        return False

    wait_until(answers, lambda: installation.log)
    assert someone.post("/sign-in", username="boss", password=PASSWORD)[0] == 200
    return someone


def test_a_page_that_fails_shows_a_reference_and_the_log_its_route_and_kind(
    installation: Installation, visitor: Visitor
):
    client_id = installation.rows(f"SELECT id FROM records_client WHERE care_recipient_id = '{PERSON}'")[0][0]
    status, page = visitor.get(f"/clients/{client_id}/syncs?looking=for-{PERSON}")
    assert status == 500
    reference = re.search(r"<code>(\w{12})</code>", page)
    assert reference, page
    entry = next(line for line in installation.log.splitlines() if reference[1] in line)
    assert f"GET console:client-syncs failed: ValueError after ValueError, reference {reference[1]}" in entry
    assert "carefund/console/" in installation.log
    assert_nothing_said(installation.log)


def test_an_address_that_is_refused_is_not_in_the_log(installation: Installation, visitor: Visitor):
    assert visitor.get(f"/clients/{PERSON}")[0] == 404
    assert visitor.get("/", Host=f"{PERSON}.example")[0] == 400
    assert_nothing_said(installation.log)


def test_a_download_that_fails_half_way_says_that_it_is_incomplete(installation: Installation, visitor: Visitor):
    run_id = installation.rows("SELECT max(run_id) FROM runs_runitem")[0][0]
    last_line = visitor.get(f"/runs/{run_id}.csv")[1].splitlines()[-1]
    assert re.fullmatch(r"This file is incomplete: Carefund failed while writing it \(reference \w{12}\)\.", last_line)
    assert "GET console:run-csv while sending failed: " in installation.log
    assert_nothing_said(installation.log)


def test_the_api_names_the_reference(installation: Installation, visitor: Visitor):
    token = installation.carefund("tokens", "add", "boss", "--scope", "claims").splitlines()[0]
    installation.write("ALTER TABLE records_invoice RENAME TO records_invoice_away")
    try:
        status, answer = visitor.get(f"/api/v1/invoices/INV-{PERSON}", Authorization=f"Bearer {token}")
    finally:
        installation.write("ALTER TABLE records_invoice_away RENAME TO records_invoice")
    assert status == 500
    reference = re.search(r"Find reference (\w{12})", answer)
    assert reference, answer
    assert (
        f"GET rest:show failed: OperationalError after OperationalError, reference {reference[1]}" in installation.log
    )
    assert_nothing_said(installation.log)


def test_a_command_that_fails_ends_in_one_sentence(installation: Installation):
    run_id = installation.rows("SELECT max(run_id) FROM runs_runitem")[0][0]
    said = installation.carefund("runs", "show", str(run_id), "--csv", status=1)
    assert "Error: Carefund failed with an unexpected ValueError." in said
    reference = re.search(r"reference (\w{12}) and the lines above", said)
    assert reference
    assert f"carefund runs failed: ValueError after ValueError, reference {reference[1]}" in said
    assert_nothing_said(said)


def assert_nothing_said(log: str) -> None:
    """No traceback, no address, no id, no exception's own words."""
    assert not TRACEBACK.search(log), log
    assert not SECRET.search(log), log
