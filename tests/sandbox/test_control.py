"""The control API: faults, changes to people, the journal, the provider's file, saved state."""

import http.client
import json
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import SUPPORT_AT_HOME, Client

ADA = "400000001"
SUMMARY = f"/care-recipient/v1/{ADA}/summary"


def change(sandbox: Client, change_name: str, /, **values: object) -> None:
    sandbox.control("POST", f"/care-recipients/{ADA}/{change_name}", **values)


def test_a_fault_hits_the_calls_it_names_and_no_others(sandbox: Client):
    sandbox.control(
        "POST",
        "/faults",
        kind="status",
        operation="care_recipient_summary",
        subject=ADA,
        after=1,
        times=1,
        status=503,
        retryAfter="7",
    )

    replies = [sandbox.get(SUMMARY) for _ in range(3)]
    other = sandbox.get("/care-recipient/v1/400000003/summary")

    assert [reply.status for reply in replies] == [200, 503, 200]
    assert replies[1].headers["retry-after"] == "7"
    assert other.status == 200


@pytest.mark.parametrize("kind", ["drop", "truncate"])
def test_a_connection_can_be_lost(sandbox: Client, kind: str):
    sandbox.control("POST", "/faults", kind=kind, times=1)

    with pytest.raises((http.client.HTTPException, ConnectionError)):
        sandbox.get(SUMMARY)
    assert sandbox.get(SUMMARY).status == 200


def test_an_answer_can_be_spoilt(sandbox: Client):
    def spoilt(**fault: object) -> bytes:
        sandbox.control("POST", "/faults", times=1, **fault)
        return sandbox.get(SUMMARY).body

    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(spoilt(kind="not-json"))
    assert spoilt(kind="html", status=502).startswith(b"<!DOCTYPE")
    assert spoilt(kind="blank") == b""
    assert isinstance(json.loads(spoilt(kind="wrong-type", field="level"))["classifications"][0]["level"], dict)
    assert "birthDate" not in json.loads(spoilt(kind="removed-field", field="birthDate"))
    renamed = json.loads(spoilt(kind="renamed-field", field="birthDate", value="bornOn"))
    assert "bornOn" in renamed
    assert "birthDate" not in renamed
    assert json.loads(spoilt(kind="extra-field", field="new"))["new"] == "new"
    rows = json.loads(spoilt(kind="duplicate-row", field="classifications"))["classifications"]
    assert rows[0] == rows[-1]
    assert "new" not in sandbox.get(SUMMARY).json


def test_a_slow_answer_is_slow(sandbox: Client):
    sandbox.control("POST", "/faults", kind="hang")

    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=0.3)
    connection.request("GET", SUPPORT_AT_HOME + SUMMARY, headers=sandbox.headers())
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()


def test_an_unknown_fault_is_refused(sandbox: Client):
    assert sandbox.call("POST", "/sandbox/faults", b'{"kind": "nonsense"}').status == 400


def test_an_unknown_control_is_answered_in_json(sandbox: Client):
    reply = sandbox.call("GET", "/sandbox/nope")

    assert (reply.status, reply.headers["content-type"].split(";")[0]) == (404, "application/json")


def test_a_fault_without_a_message_says_what_suits_its_status(sandbox: Client):
    sandbox.control("POST", "/faults", kind="status", status=429, times=1)

    assert b"Too many requests" in sandbox.get(SUMMARY).body


def test_a_changed_level_changes_summary_and_budget(sandbox: Client):
    before = sandbox.rows(f"/budget/v1/254{ADA}")
    change(sandbox, "change-level", level="8", **{"from": "2026-05-01"})
    after = sandbox.rows(f"/budget/v1/254{ADA}")

    levels = [row["level"] for row in sandbox.rows(SUMMARY)["classifications"] if row["code"] == "ON"]

    assert levels[-1] == "8"
    assert "ON_RATE_8" in {row["itemCode"] for row in after["entitlements"]}
    assert after["usage"] == before["usage"]
    assert after["updatedAtDateTime"] > before["updatedAtDateTime"]


def test_a_usage_line_can_be_added(sandbox: Client):
    change(sandbox, "add-usage", amount="-12.50", invoiceId="2999999999", itemId="3")

    line = sandbox.rows(f"/budget/v1/254{ADA}")["usage"][-1]

    assert (line["amount"], line["invoiceId"], line["itemId"]) == (-12.5, "2999999999", "3")


def test_a_budget_can_be_reissued_dropped_and_restored(sandbox: Client):
    def ids() -> set[str]:
        return {row["budgetId"] for row in sandbox.rows(f"/budget/v1/care-recipient/{ADA}?limit=100")}

    before = ids()
    change(sandbox, "reissue-budget", budgetId=f"254{ADA}")
    assert len(ids()) == len(before)
    assert f"254{ADA}" not in ids()
    (fresh,) = ids() - before
    assert sandbox.rows(f"/budget/v1/{fresh}")["usage"]
    change(sandbox, "drop", what="budgets", which=fresh)
    assert fresh not in ids()
    assert sandbox.get(f"/budget/v1/{fresh}").status == 404
    change(sandbox, "restore")
    assert fresh in ids()


def test_classifications_can_be_ended_and_added(sandbox: Client):
    change(sandbox, "end-classifications", date="2026-05-19")
    assert all(row["endDate"] <= "2026-05-19" for row in sandbox.rows(SUMMARY)["classifications"])

    change(sandbox, "add-classification", code="AT", level="HIGH", startDate="2026-05-20")

    assert sandbox.rows(SUMMARY)["classifications"][-1]["level"] == "HIGH"


def test_contributions_supplements_provider_and_consent_can_be_set(sandbox: Client):
    change(
        sandbox,
        "contributions",
        rows=[{"independencePercentage": "7.25", "everydayLivingPercentage": "20", "effectiveDateFrom": "2026-05-01"}],
    )
    change(sandbox, "add-supplement", typeCode="OXY_NORM", startDate="2026-05-01")
    change(sandbox, "service-provider", serviceProviderId="4049000003")
    change(sandbox, "consent", given=False)

    (row,) = sandbox.rows(f"/care-recipient/v1/individual-contribution?careRecipientId={ADA}")

    assert (row["independencePercentage"], row["serviceProviderId"]) == (7.25, "4049000003")
    assert sandbox.rows(SUMMARY)["supplements"][-1]["typeCode"] == "OXY_NORM"
    assert sandbox.get(f"/budget/v1/254{ADA}").status == 403


def test_a_person_can_be_created_changed_by_scenario_and_undone(sandbox: Client):
    created = sandbox.control("POST", "/care-recipients", scenario="restorative")["careRecipientId"]
    first = sandbox.get(SUMMARY).body
    change(sandbox, "scenario", name="nobody")
    assert sandbox.get(SUMMARY).status == 404
    sandbox.control("DELETE", f"/care-recipients/{ADA}")

    assert created == "400000061"
    assert "RC" in {row["code"] for row in sandbox.rows(f"/care-recipient/v1/{created}/summary")["classifications"]}
    assert sandbox.get(SUMMARY).body == first


@pytest.mark.parametrize(
    ("name", "body"),
    [("change-level", {"level": "11"}), ("add-usage", {"amount": "x"}), ("nonsense", {}), ("drop", {"what": "all"})],
)
def test_a_change_that_makes_no_sense_is_refused_and_leaves_no_trace(sandbox: Client, name: str, body: dict):
    refused = sandbox.call("POST", f"/sandbox/care-recipients/{ADA}/{name}", json.dumps(body).encode())

    assert refused.status == 400
    assert sandbox.control("GET", f"/care-recipients/{ADA}")["edits"] == []


def test_a_share_of_all_people_can_be_changed(sandbox: Client):
    changed = sandbox.control("POST", "/change?share=0.05")

    assert changed["changed"] == 3
    assert len(set(changed["careRecipientIds"])) == 3


def test_the_journal_holds_what_was_asked(sandbox: Client):
    sandbox.control("DELETE", "/journal")
    sandbox.get(SUMMARY)
    sandbox.get(SUMMARY)
    sandbox.get("/care-recipient/v1/400000022/summary")

    report = sandbox.control("GET", "/journal?operation=care_recipient_summary&status=200")

    assert report["matched"] == 2
    assert report["requests"][0]["headers"]["dhs-messageid"].startswith("urn:uuid:")
    assert report["counts"] == {"care_recipient_summary": {"200": 2, "404": 1}}


def test_the_providers_file_knows_its_own_usage(sandbox: Client):
    document = sandbox.control("GET", "/provider-file")
    own = {(item["invoiceId"], item["itemId"]): item for invoice in document["invoices"] for item in invoice["items"]}
    usage = sandbox.rows(f"/budget/v1/254{ADA}")["usage"]

    assert len(document["clients"]) == 60
    assert usage
    for line in usage:
        item = own[line["invoiceId"], line["itemId"]]
        assert item["quantity"] * item["pricePerUnit"] == pytest.approx(-line["amount"])


def test_state_outlives_the_process(tmp_path: Path):
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--no-auth", "--state", str(tmp_path / "state.json")]

    def once(work) -> dict:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                client = Client(int(process.stdout.readline().rsplit(":", 1)[1]))
                work(client)
                return client.rows(SUMMARY)
            finally:
                process.terminate()

    first = once(lambda client: change(client, "change-level", level="2"))

    assert once(lambda client: None) == first


def test_every_scenario_change_fault_and_switch_is_documented(sandbox: Client):
    text = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
    refused = [
        sandbox.call("POST", f"/sandbox/care-recipients/{ADA}/x", b"{}").json["error"],
        sandbox.call("POST", "/sandbox/faults", b'{"kind": "x"}').json["error"],
    ]
    names = [name for error in refused for name in error.split("one of ")[1].split(", ")]
    names += [row["name"] for row in sandbox.control("GET", "/scenarios")] + list(sandbox.control("GET", "/switches"))

    assert [name for name in names if f"`{name}`" not in text] == []
