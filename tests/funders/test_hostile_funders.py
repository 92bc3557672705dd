"""PRODA, the NDIA, a partner's gateway and the claims interfaces: whatever they answer ends in an error of ours."""

from dataclasses import replace
from datetime import date

import pytest
from aiohttp import web

from carefund.funders.configuration import configure
from carefund.funders.errors.answers import BadAnswer, ImpossibleValue, TooDeep, TooLarge, WrongType
from carefund.funders.errors.people import IdentityNotMatched
from carefund.funders.errors.root import FunderError
from carefund.funders.ndia.client import open_ndia
from carefund.funders.ndia.partner import Partner, open_partner
from carefund.funders.ndia.source import Identity
from carefund.funders.services_australia.claiming import Claiming, is_uncertain
from carefund.funders.sessions import open_caller, open_services_australia
from tests.funders.conftest import serving
from tests.funders.test_http import ask

pytestmark = pytest.mark.anyio
WHO = Identity("430000001", "Example", date(1980, 1, 1))


def raw(field, text):
    """A fault by which every field of a name holds this."""
    return {"kind": "raw-value", "field": field, "text": text}


@pytest.mark.parametrize(
    "fault",
    [
        raw("expires_in", "1e300"),
        {"kind": "raw-value", "field": "expires_in", "text": '"²"'},
        raw("expires_in", "NaN"),
        {"kind": "raw-value", "field": "access_token", "text": '"a\\r\\nX-Other: b"'},
        {"kind": "raw-value", "field": "access_token", "text": '"' + "x" * 20_000 + '"'},
        {"kind": "nested", "number": 100_000},
        {"kind": "packed", "number": 8},
        {"kind": "charset", "text": "utf-7"},
    ],
)
async def test_a_token_that_cannot_be_one_is_an_error_of_ours(sandbox, configuration, store, fault):
    store.state = replace(store.state, tokens={})
    sandbox.fault(operation="proda_token", **fault)
    async with open_caller(configuration, store) as caller:
        with pytest.raises(FunderError):
            await caller.read("x", "/service/support-at-home/budget/v1/1")


@pytest.mark.parametrize("text", ["1e300", '"9999-12-31T23:59:59-14:00"', '"0001-01-01T00:00:00+14:00"', "[]", "NaN"])
async def test_an_expiry_that_cannot_be_one_is_not_known(sandbox, configuration, store, text):
    before = store.state.key_expires_at
    store.state = replace(store.state, tokens={})
    sandbox.fault(operation="proda_token", kind="raw-value", field="key_expiry", text=text)
    async with open_services_australia(configuration, store) as client:
        if text == "NaN":  # no JSON, so nothing of it is believed
            with pytest.raises(WrongType):
                await client.fetch_budgets("400000001")
        else:
            assert (await client.fetch_budgets("400000001")).value
    assert store.state.key_expires_at == before


@pytest.mark.parametrize(
    ("operation", "fault", "expected"),
    [
        ("ndia_pace_budget", raw("approved_amount", "1e13"), ImpossibleValue),
        ("ndia_pace_budget", raw("end_date", '"9876-01-01"'), ImpossibleValue),
        ("ndia_pace_budget", {"kind": "nested", "number": 100_000}, TooDeep),
        ("ndia_pace_budget", {"kind": "packed", "number": 20}, TooLarge),
        ("ndia_plans", raw("plan_start_date", '"0001-01-02"'), ImpossibleValue),
        ("ndia_plans", raw("success", '"' + "x" * 300 + '"'), WrongType),
        ("ndia_determine_plan", {"kind": "removed-field", "field": "is_pace_plan"}, WrongType),
    ],
)  # fmt: skip
async def test_the_ndias_bounds_are_those_of_everybody(sandbox, store, operation, fault, expected):
    configuration = configure("ndia", sandbox_url=sandbox.url, timing={"attempts": 1})
    row = next(row for row in sandbox.control("GET", "/ndia/participants") if row["scenario"] == "take-over")
    who = Identity(row["ndisNumber"], row["surname"], date.fromisoformat(row["birthDate"]))
    sandbox.fault(operation=operation, **fault)
    async with open_ndia(configuration, store) as ndia:
        calls = {
            "ndia_determine_plan": ndia.fetch_determination,
            "ndia_plans": ndia.fetch_plans,
            "ndia_pace_budget": ndia.fetch_budget,
        }
        with pytest.raises(expected):
            await calls[operation](who)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'[{"type":"PACE","spentAmount":"NaN"}]', ImpossibleValue),
        (b'[{"type":"PACE","supportCategoryPace":"' + b"x" * 300 + b'"}]', ImpossibleValue),
        (b"[" + b",".join([b'{"type":"PACE"}'] * 6000) + b"]", TooLarge),
        (b"[" * 100_000, BadAnswer),
        (b"[" + b",".join([b'{"type":"PACE","spentAmount":60000000000}'] * 2) + b"]", ImpossibleValue),
        (b"{}", WrongType),
        (b"[]", IdentityNotMatched),
    ],
)
async def test_a_partners_gateway_is_held_to_the_same(body, expected):
    async def handler(request):
        return web.Response(body=body)

    async with serving(handler) as url:
        timing = configure("ndia", timing={"attempts": 1}).timing
        async with open_partner(Partner(url, "org", "key"), timing) as gateway:
            with pytest.raises(expected):
                await gateway.fetch_budget(WHO)


async def claiming_with(body=b"{}", headers=None, *, work):
    """What comes of one claims call that is answered so."""

    async def handler(request):
        return web.Response(body=body, headers=headers)

    configuration = configure("services-australia")
    return await ask(handler, lambda caller: work(Claiming(caller, configuration)), attempts=1)


@pytest.mark.parametrize("etag", ["x" * 121, "x" * 5000, "\xe9"])
async def test_a_version_that_could_not_be_sent_back_is_an_error_of_ours(etag):
    with pytest.raises(ImpossibleValue, match="ETag"):
        await claiming_with(b'{"invoiceId":"1"}', {"ETag": etag}, work=lambda claiming: claiming.fetch_invoice("1"))


@pytest.mark.parametrize("body", [b"[]", b'{"invoices":[]}', b"", b'{"invoiceId":"' + b"1" * 25 + b'"}', b"{"])
async def test_a_write_whose_answer_holds_no_record_may_have_been_done_all_the_same(body):
    with pytest.raises(FunderError) as caught:
        await claiming_with(body, work=lambda claiming: claiming.submit_invoice("1", "etag"))
    assert is_uncertain(caught.value)


async def test_a_pool_whose_draws_come_to_more_than_a_column_holds_is_refused(sandbox, configuration, store):
    sandbox.fault(operation="budget_details", **raw("amount", "60000000000"))
    async with open_services_australia(configuration, store) as client:
        budget = next(row for row in (await client.fetch_budgets("400000001")).value if row.used)
        with pytest.raises(ImpossibleValue, match="impossible total"):
            await client.fetch_budget_details(budget.budget_id, pooled=True)


async def test_what_was_paid_is_held_to_the_same_bounds():
    body = b'[{"itemId":"1","paymentAmount":1e13}]'
    with pytest.raises(ImpossibleValue, match="paymentAmount"):
        await claiming_with(body, work=lambda claiming: claiming.fetch_payment_items("1"))
