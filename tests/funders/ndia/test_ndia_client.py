"""The NDIA's client against the sandbox: the three calls, their refusals, and what it sends."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from carefund.funders.configuration import FunderConfiguration, configure
from carefund.funders.devices import InMemoryDeviceStore
from carefund.funders.errors.answers import NotJson, WrongType
from carefund.funders.errors.configuring import NotConfigured
from carefund.funders.errors.outages import ConnectionFailed, Incomplete, OutOfService, Throttled
from carefund.funders.errors.people import AuthorityMissing, IdentityNotMatched
from carefund.funders.errors.requests import RequestRejected
from carefund.funders.ndia.client import Ndia, open_ndia
from carefund.funders.ndia.envelopes import open_envelope
from carefund.funders.ndia.source import Identity

pytestmark = pytest.mark.anyio


@pytest.fixture
def configuration(sandbox) -> FunderConfiguration:
    return configure("ndia", sandbox_url=sandbox.url, timing={"back_off_seconds": 0.01, "attempts": 2})


@pytest.fixture
async def ndia(configuration: FunderConfiguration, store: InMemoryDeviceStore) -> AsyncIterator[Ndia]:
    async with open_ndia(configuration, store) as client:
        yield client


def who(sandbox, scenario: str) -> Identity:
    row = next(row for row in sandbox.control("GET", "/ndia/participants") if row["scenario"] == scenario)
    return Identity(row["ndisNumber"], row["surname"], date.fromisoformat(row["birthDate"]))


async def test_a_plan_on_pace_is_told_with_its_dates(sandbox, ndia):
    identity = who(sandbox, "take-over")
    determined = await ndia.fetch_determination(identity)
    plans = await ndia.fetch_plans(identity)
    assert determined.value.is_pace_plan
    assert plans.value[0].participant_plan_id == "0"
    assert plans.value[0].plan_first_start_date == determined.value.plan_first_start_date
    assert plans.subject_id == identity.ndis_number


async def test_dates_that_mean_none_are_none(sandbox, ndia):
    determined = await ndia.fetch_determination(who(sandbox, "old-system"))
    assert (determined.value.is_pace_plan, determined.value.plan_first_start_date) == (False, None)


async def test_the_budget_tree_keeps_amounts_to_the_cent(sandbox, ndia):
    tree = (await ndia.fetch_budget(who(sandbox, "take-over"))).value
    row = tree.bgt_typ_lvl_dtls[0].plan_management[0].supp_typ_lvl_dtls[0].supp_cat_lvl_dtls[0]
    assert (row.support_category_text, row.spent_amount) == ("Assistance with Daily Life", Decimal("9120.40"))
    assert len(row.funding_periods) == 4


@pytest.mark.parametrize("scenario", ["extra-members", "sparse", "no-budgets", "odd-arithmetic"])
async def test_unknown_and_missing_members_are_no_error(sandbox, ndia, scenario):
    await ndia.fetch_budget(who(sandbox, scenario))


@pytest.mark.parametrize("channel", ["query", "header"])
async def test_the_identity_goes_where_it_is_configured_and_plans_always_take_the_query(
    sandbox, configuration, store, channel
):
    identity = who(sandbox, "extra-members")
    async with open_ndia(configuration, store, identity_channel=channel) as ndia:
        await ndia.fetch_determination(identity)
        await ndia.fetch_plans(identity)
        await ndia.fetch_budget(identity)
    for operation, in_query in (
        ("ndia_determine_plan", channel == "query"),
        ("ndia_pace_budget", channel == "query"),
        ("ndia_plans", True),
    ):
        asked = sandbox.asked(operation)[0]
        assert ("participant=" in str(asked["query"]) or "participant" in dict(asked["query"] or {})) is in_query


async def test_a_surname_with_an_apostrophe_is_found(sandbox, ndia):
    identity = who(sandbox, "stated-items")
    sandbox.control("POST", f"/ndia/participants/{identity.ndis_number}/identity", {"surname": "O'Grévillea & Sons"})
    await ndia.fetch_plans(replace(identity, surname="  o'grévillea & sons "))


async def test_4_0_stands_in_where_there_is_no_5_0(sandbox, ndia):
    sandbox.control("POST", "/ndia/switches", {"budget5": False})
    for _ in range(2):
        assert (await ndia.fetch_budget(who(sandbox, "take-over"))).value.bgt_typ_lvl_dtls
    assert len(sandbox.asked("ndia_pace_budget")) == 1
    assert len(sandbox.asked("ndia_pace_budget_4")) == 2


@pytest.mark.parametrize("shape", ["texts", "pairs"])
async def test_want_of_authority_is_an_error_of_its_own(sandbox, ndia, shape):
    sandbox.control("POST", "/ndia/switches", {"errors": shape})
    with pytest.raises(AuthorityMissing) as refused:
        await ndia.fetch_plans(who(sandbox, "no-consent"))
    assert refused.value.details[0].message == "Requestor does not have the authority to perform the request"
    assert "endorsement" in refused.value.advice


@pytest.mark.parametrize("nobody", ["404", "empty", "text"])
async def test_nobody_is_told_in_one_way_whatever_the_answer(sandbox, ndia, nobody):
    sandbox.control("POST", "/ndia/switches", {"nobody": nobody})
    with pytest.raises(IdentityNotMatched):
        await ndia.fetch_determination(replace(who(sandbox, "take-over"), surname="Nobody"))


async def test_the_hours_quota_is_a_throttle(sandbox, ndia):
    sandbox.control("POST", "/ndia/switches", {"budgetsPerHour": 1})
    await ndia.fetch_budget(who(sandbox, "take-over"))
    with pytest.raises(Throttled) as refused:
        await ndia.fetch_budget(who(sandbox, "take-over"))
    assert refused.value.retry_after > 60


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 500}, OutOfService),
        ({"kind": "status", "status": 404}, IdentityNotMatched),
        ({"kind": "not-json"}, NotJson),
        ({"kind": "drop"}, ConnectionFailed),
        ({"kind": "wrong-type", "field": "result", "value": 7}, WrongType),
        ({"kind": "truncate"}, Incomplete),
    ],
)
async def test_every_fault_becomes_its_error(sandbox, ndia, fault, error):
    sandbox.fault(operation="ndia_plans", **fault)
    with pytest.raises(error):
        await ndia.fetch_plans(who(sandbox, "take-over"))


async def test_a_passing_outage_is_tried_again(sandbox, ndia):
    sandbox.fault(operation="ndia_plans", kind="status", status=503, times=1)
    assert (await ndia.fetch_plans(who(sandbox, "take-over"))).value


async def test_the_token_is_for_the_ndia_and_the_device_is_shared(sandbox, ndia, store, configuration):
    await ndia.fetch_plans(who(sandbox, "take-over"))
    state = await store.load()
    assert list(state.tokens) == [configuration.token_audience]
    asked = sandbox.asked("ndia_plans")[0]
    assert {name.lower() for name in asked["headers"]} >= {"authorization", "x-ibm-client-id", "accept"}


async def test_live_use_says_what_is_missing(store):
    with pytest.raises(NotConfigured, match="CAREFUND_NDIA_URL"):
        async with open_ndia(configure("ndia", "production"), store):
            pass


async def test_a_misspelt_operation_is_refused(configuration, store):
    with pytest.raises(NotConfigured, match="CAREFUND_NDIA_PATHS"):
        async with open_ndia(replace(configuration, paths={"ndia_plan": "/x"}), store):
            pass


def test_an_identity_shows_nothing_of_itself():
    assert repr(Identity("430000001", "Redgum", date(1969, 1, 14))) == "Identity()"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"success": true, "result": [], "errors": []}', IdentityNotMatched),
        (b'{"success": true, "result": {}, "errors": []}', IdentityNotMatched),
        (b'{"success": true, "result": null}', IdentityNotMatched),
        (b'{"success": false, "errors": ["  Requestor does not have the authority  "]}', AuthorityMissing),
        (b'{"success": false, "errors": [{"key": "V19", "value": "disputed"}]}', RequestRejected),
        (b'{"success": false}', RequestRejected),
        (b'{"success": "perhaps", "result": []}', WrongType),
        (b"<html>", NotJson),
        (b'{"success": tr', Incomplete),
    ],
)
def test_an_envelope_says_what_it_holds(body, error):
    with pytest.raises(error):
        open_envelope(body, "ndia_plans")


def test_a_body_without_an_envelope_is_the_result():
    assert open_envelope(b'{"is_pace_plan": true}', "ndia_determine_plan") == b'{"is_pace_plan": true}'
