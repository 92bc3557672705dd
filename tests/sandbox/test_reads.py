"""The Support at Home reads: shapes, paging, money that adds up, scenarios, stability."""

import json
from decimal import Decimal

import pytest

from .conftest import Client

WORLD = [str(400_000_000 + number) for number in range(1, 61)]


def budgets_of(sandbox: Client, care_recipient_id: str, query: str = "?limit=100") -> list[dict]:
    reply = sandbox.get(f"/budget/v1/care-recipient/{care_recipient_id}{query}")
    return json.loads(reply.body, parse_float=Decimal) if reply.status == 200 else []


def details_of(sandbox: Client, budget_id: str) -> dict:
    return json.loads(sandbox.get(f"/budget/v1/{budget_id}").body, parse_float=Decimal)


def having(sandbox: Client, scenario: str) -> str:
    return next(row["careRecipientIds"][0] for row in sandbox.control("GET", "/scenarios") if row["name"] == scenario)


def test_every_scenario_is_in_the_demo_world(sandbox: Client):
    assert all(row["careRecipientIds"] and row["description"] for row in sandbox.control("GET", "/scenarios"))


def test_all_money_in_the_world_adds_up(sandbox: Client):
    sandbox.control("POST", "/switches", auth=False)
    checked = 0
    for care_recipient_id in WORLD:
        for row in budgets_of(sandbox, care_recipient_id):
            assert row["available"] == row["total"] + row["used"] + row["writeOff"] + row["rolloverDeduction"]
            assert max(row["used"], row["writeOff"], row["rolloverDeduction"]) <= 0
            details = details_of(sandbox, row["budgetId"])
            if "usage" in details:
                assert sum(line["amount"] for line in details["usage"]) == row["used"]
                assert sum(item["amount"] for item in details["entitlements"]) <= row["total"]
                checked += 1
    assert checked > 150


def test_an_ongoing_entitlement_is_rate_by_nine_tenths_by_days(sandbox: Client):
    ours = having(sandbox, "supplements")
    details = details_of(sandbox, f"254{ours}")

    amounts = {row["itemCode"]: row["amount"] for row in details["entitlements"]}

    assert amounts == {"ON_RATE_7": Decimal("13047.49"), "OXY_NORM": Decimal("1334.06"), "ENT_NNBO": Decimal("2376.01")}


def test_a_closed_quarter_is_split_into_rollover_and_write_off(sandbox: Client):
    ours = having(sandbox, "closed-with-write-off")
    closed, current = details_of(sandbox, f"253{ours}"), details_of(sandbox, f"254{ours}")

    rolled_in = current["total"] - sum(row["amount"] for row in current["entitlements"])

    assert closed["status"] == "CLOSED"
    assert closed["available"] == 0
    assert closed["writeOff"] < 0
    assert rolled_in == -closed["rolloverDeduction"] > 1000


def test_a_rollover_lands_in_the_middle_of_the_quarter(sandbox: Client):
    ours = having(sandbox, "rollover-mid-quarter")
    sandbox.control("POST", "/clock", today="2026-05-10")
    before = details_of(sandbox, f"254{ours}")["total"]
    sandbox.control("POST", "/clock", today="2026-05-11")

    assert details_of(sandbox, f"254{ours}")["total"] > before


def test_answers_are_the_same_bytes_while_nothing_changes(sandbox: Client):
    paths = [
        f"/care-recipient/v1/{WORLD[0]}/summary",
        f"/budget/v1/care-recipient/{WORLD[0]}",
        f"/budget/v1/254{WORLD[0]}",
    ]
    first = [sandbox.get(path).body for path in paths]
    sandbox.control("POST", "/clock", today="2026-05-20", advanceSeconds=600)
    sandbox.control("POST", f"/care-recipients/{WORLD[2]}/change-level", level="8")
    sandbox.control("POST", "/switches", latencyMs=1)

    assert [sandbox.get(path).body for path in paths] == first


def test_lists_give_ten_rows_unless_asked_and_end_with_not_found(sandbox: Client):
    path = "/care-recipient/v1/summary?serviceProviderId=4049000001"
    found = sandbox.rows(path)
    everybody = [row["careRecipientId"] for row in sandbox.rows(f"{path}&limit=1000")]
    pages, page = [], 1
    while (reply := sandbox.get(f"{path}&limit=7&page={page}")).status == 200:
        pages += [row["careRecipientId"] for row in reply.json]
        page += 1

    assert len(found) == 10
    assert pages == everybody == sorted(everybody, reverse=True)
    assert reply.json["code"] == "1"
    assert reply.json["codeType"] == "DHSEIN"


def test_pages_of_the_budget_summary_are_the_whole_list(sandbox: Client):
    path = "/budget/v1/summary?serviceProviderId=4049000002"
    whole = [row["budgetId"] for row in sandbox.rows(f"{path}&limit=1000")]
    pages, page = [], 1
    while (reply := sandbox.get(f"{path}&limit=9&page={page}")).status == 200:
        pages += [row["budgetId"] for row in reply.json]
        page += 1

    assert pages == whole
    assert len(set(whole)) == len(whole)


def test_rows_can_be_sorted_and_filtered(sandbox: Client):
    rows = budgets_of(sandbox, WORLD[0], "?limit=100&sort=asc&sortFields=endDate")
    later = budgets_of(sandbox, WORLD[0], "?limit=100&effectiveDateFrom=2026-04-01")

    assert [row["endDate"] for row in rows] == sorted(row["endDate"] for row in rows)
    assert 0 < len(later) < len(rows)
    assert sandbox.get(f"/budget/v1/care-recipient/{WORLD[0]}?limit=x").json["code"] == 5


def test_an_empty_search_can_be_an_empty_list(sandbox: Client):
    nobody = having(sandbox, "nobody")
    assert sandbox.get(f"/budget/v1/care-recipient/{nobody}").status == 404
    assert sandbox.get(f"/care-recipient/v1/{nobody}/summary").status == 404

    sandbox.control("POST", "/switches", notFound="empty")

    assert sandbox.rows(f"/budget/v1/care-recipient/{nobody}") == []


def test_without_consent_lists_work_and_details_are_refused(sandbox: Client):
    ours = having(sandbox, "consent-refused")
    budget_id = budgets_of(sandbox, ours)[0]["budgetId"]

    refused = sandbox.get(f"/budget/v1/{budget_id}")

    assert refused.status == 403
    assert set(refused.json) == {"code", "codeType", "message", "errors"}


def test_scenarios_are_what_they_say(sandbox: Client):
    summaries = {
        name: sandbox.get(f"/care-recipient/v1/{having(sandbox, name)}/summary").json
        for name in ("no-classification", "all-ended", "at-hm-only", "came-back")
    }
    zero = [row for row in budgets_of(sandbox, having(sandbox, "duplicate-budgets")) if row["total"] == 0]
    foreign = [
        line["serviceProviderId"]
        for row in budgets_of(sandbox, having(sandbox, "moved-here"))
        for line in details_of(sandbox, row["budgetId"])["usage"]
    ]

    assert summaries["no-classification"]["classifications"] == []
    assert all(row["status"] == "ENDED" for row in summaries["all-ended"]["classifications"])
    assert {row["code"] for row in summaries["at-hm-only"]["classifications"]} == {"AT", "HM"}
    assert len(summaries["came-back"]["classifications"]) == 2
    assert len(zero) == 3
    assert {"4049900001"} < set(foreign)
    assert (
        sandbox.get(
            f"/care-recipient/v1/individual-contribution?careRecipientId={having(sandbox, 'contributions-absent')}"
        ).status
        == 404
    )


def test_care_management_is_pooled_by_provider(sandbox: Client):
    pools = sandbox.rows("/budget/v1/service-provider/4049000001")
    details = details_of(sandbox, pools[0]["budgetId"])

    assert {row["budgetTypeCode"] for row in pools} == {"CM"}
    assert {row["careRecipientId"] for row in pools} == {""}
    assert details["usage"]
    assert all(line["careRecipientId"] for line in details["usage"])


def test_a_quarter_is_rolled_over_once_on_request(sandbox: Client):
    ours = WORLD[0]
    sandbox.control("POST", "/clock", today="2026-04-05")
    path = "/services-australia/claiming/ext-vnd/acws/service/support-at-home/budget/v1/{}{}/rollover"
    writing = sandbox.headers(**{"x-requested-with": "tests"})

    too_early = sandbox.call("POST", path.format("254", ours), headers=writing)
    first = sandbox.call("POST", path.format("253", ours), headers=sandbox.headers(**{"x-requested-with": "tests"}))
    again = sandbox.call("POST", path.format("253", ours), headers=sandbox.headers(**{"x-requested-with": "tests"}))

    assert (too_early.status, first.status, again.status) == (400, 200, 400)
    assert first.json["rolloverDeduction"] < 0


@pytest.mark.parametrize("number", [61, 99_999])
def test_a_world_of_a_hundred_thousand_answers_at_once(sandbox: Client, number: int):
    sandbox.control("POST", "/reset", careRecipients=100_000)

    assert sandbox.rows(f"/care-recipient/v1/{400_000_000 + number}/summary")["careRecipientId"] == str(
        400_000_000 + number
    )
    assert budgets_of(sandbox, str(400_000_000 + number))
