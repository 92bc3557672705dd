"""The Support at Home client against the sandbox: what it understands, and how it takes every kind of trouble."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from carefund.funders.configuration import configure
from carefund.funders.errors.access import ClientIdRejected, NotAuthenticated, NotPermitted
from carefund.funders.errors.answers import NotJson, WrongType
from carefund.funders.errors.configuring import NotConfigured, WrongAddress
from carefund.funders.errors.outages import ConnectionFailed, Incomplete, OutOfService, Throttled, TimedOut
from carefund.funders.errors.people import ConsentMissing, MalformedId, NotFound
from carefund.funders.errors.requests import RequestRejected
from carefund.funders.sessions import open_services_australia

pytestmark = pytest.mark.anyio

ORDINARY = "400000001"
CONSENT_REFUSED = "400000004"
NOBODY = "400000022"
CONTRIBUTIONS_ABSENT = "400000028"
SPARSE = "400000048"
EXTRA_MEMBERS = "400000050"


@pytest.fixture
async def client(configuration, store):
    async with open_services_australia(configuration, store) as client:
        yield client


async def budget_id_of(client, care_recipient_id=ORDINARY):
    return (await client.fetch_budgets(care_recipient_id)).value[0].budget_id


async def test_a_summary_tells_the_person_and_all_three_lists(client):
    answer = await client.fetch_care_recipient_summary(ORDINARY)
    assert answer.value.care_recipient_id == ORDINARY
    assert answer.value.last_name
    assert answer.value.classifications
    assert answer.value.approved_services
    assert answer.value.approved_services[0].service_id.startswith("SERV-")
    assert (answer.operation, answer.subject_id, len(answer.pages)) == ("care_recipient_summary", ORDINARY, 1)


async def test_budgets_with_details_add_up_to_the_cent(client):
    for budget in (await client.fetch_budgets(ORDINARY)).value:
        details = (await client.fetch_budget_details(budget.budget_id)).value
        assert details.budget_id == budget.budget_id
        assert details.entitlements
        assert isinstance(details.total, Decimal)
        assert details.available == details.total + details.used + details.write_off + details.rollover_deduction
        assert details.used == sum((line.amount for line in details.usage), Decimal(0))


async def test_contributions_are_percentages(client):
    rows = (await client.fetch_individual_contributions(ORDINARY)).value
    assert rows
    assert all(isinstance(row.independence_percentage, Decimal) for row in rows)


async def test_pages_are_kept_byte_for_byte(client):
    first = await client.fetch_budgets(ORDINARY)
    again = await client.fetch_budgets(ORDINARY)
    assert first.pages == again.pages
    assert first.pages[0].startswith(b'[{"budgetId"')


async def test_nobody_is_not_found_and_has_no_budgets_or_contributions(client):
    with pytest.raises(NotFound):
        await client.fetch_care_recipient_summary(NOBODY)
    assert (await client.fetch_budgets(NOBODY)).value == ()
    assert (await client.fetch_individual_contributions(NOBODY)).value == ()
    assert (await client.fetch_individual_contributions(CONTRIBUTIONS_ABSENT)).value == ()


async def test_an_empty_success_means_the_same_as_not_found(sandbox, client):
    sandbox.control("POST", "/switches", {"notFound": "empty"})
    assert (await client.fetch_budgets(NOBODY)).value == ()


async def test_refused_consent_is_an_outcome_of_its_own(client):
    budget_id = await budget_id_of(client, CONSENT_REFUSED)
    with pytest.raises(ConsentMissing):
        await client.fetch_budget_details(budget_id)


async def test_a_header_without_either_list_means_refused_consent_too(sandbox, client):
    budget_id = await budget_id_of(client)
    sandbox.fault(kind="removed-field", operation="budget_details", field="usage")
    assert (await client.fetch_budget_details(budget_id)).value.usage == ()
    sandbox.fault(kind="removed-field", operation="budget_details", field="entitlements")
    with pytest.raises(ConsentMissing):
        await client.fetch_budget_details(budget_id)


@pytest.mark.parametrize("care_recipient_id", [SPARSE, EXTRA_MEMBERS])
async def test_missing_optional_and_unknown_members_are_fine(client, care_recipient_id):
    assert (await client.fetch_care_recipient_summary(care_recipient_id)).value.classifications
    budget_id = await budget_id_of(client, care_recipient_id)
    assert (await client.fetch_budget_details(budget_id)).value.entitlements


@pytest.mark.parametrize("switch", [{"money": "string"}, {"envelope": "object"}])
async def test_other_forms_give_the_same_values(sandbox, client, switch):
    plain = await client.fetch_budgets(ORDINARY)
    contributions = await client.fetch_individual_contributions(ORDINARY)
    sandbox.control("POST", "/switches", switch)
    assert (await client.fetch_budgets(ORDINARY)).value == plain.value
    assert (await client.fetch_individual_contributions(ORDINARY)).value == contributions.value


async def test_a_long_list_is_read_page_by_page_to_its_end(sandbox, configuration, store):
    provider_id = sandbox.control("GET", "")["serviceProviders"][0]["serviceProviderId"]
    async with open_services_australia(replace(configuration, page_limit=1000), store) as client:
        whole = await client.fetch_budget_summary(provider_id)
    async with open_services_australia(replace(configuration, page_limit=7), store) as client:
        paged = await client.fetch_budget_summary(provider_id)
    assert len(whole.value) > 14
    assert sorted(budget.budget_id for budget in paged.value) == sorted(budget.budget_id for budget in whole.value)
    assert len(paged.pages) == len(whole.value) // 7 + (1 if len(whole.value) % 7 else 0)


async def test_more_than_the_funders_default_of_ten_rows_arrive(sandbox, configuration, store):
    provider_id = sandbox.control("GET", "")["serviceProviders"][0]["serviceProviderId"]
    async with open_services_australia(configuration, store) as client:
        budgets = await client.fetch_budget_summary(provider_id)
    assert len(budgets.value) > 10


async def test_care_management_money_comes_by_service_provider(sandbox, client):
    provider_id = sandbox.control("GET", "")["serviceProviders"][0]["serviceProviderId"]
    budgets = (await client.fetch_service_provider_budgets(provider_id)).value
    assert any(budget.budget_type_code == "CM" and budget.care_recipient_id == "" for budget in budgets)


async def test_every_call_carries_the_documented_headers_and_its_own_message_id(sandbox, client):
    await asyncio.gather(*(client.fetch_care_recipient_summary(ORDINARY) for _ in range(5)))
    lines = [line["headers"] for line in sandbox.asked("care_recipient_summary")]
    assert len({line["dhs-messageid"] for line in lines}) == 5
    assert lines[0]["dhs-audittype" if "dhs-audittype" in lines[0] else "dhs-auditidtype"].endswith("organisation")
    assert lines[0]["dhs-subjectid"] == client.configuration.device_name
    assert lines[0]["x-ibm-client-id"] == "carefund-sandbox-client"


async def test_the_subject_can_be_the_person(sandbox, configuration, store):
    async with open_services_australia(replace(configuration, subject="care-recipient"), store) as client:
        await client.fetch_care_recipient_summary(ORDINARY)
        await client.fetch_budgets(ORDINARY)
    for operation in ("care_recipient_summary", "budgets_by_care_recipient"):
        assert sandbox.asked(operation)[0]["headers"]["dhs-subjectid"] == ORDINARY


async def test_a_token_that_stops_working_is_renewed_once_and_the_call_repeated(sandbox, client):
    await client.fetch_care_recipient_summary(ORDINARY)
    sandbox.control("POST", "/proda/forget-tokens")
    await asyncio.gather(*(client.fetch_care_recipient_summary(ORDINARY) for _ in range(10)))
    assert len(sandbox.asked("proda_token")) == 2


async def test_a_401_that_a_new_token_does_not_cure_ends_there(sandbox, client):
    sandbox.fault(kind="status", status=401, operation="care_recipient_summary", message="User not authenticated.")
    with pytest.raises(NotAuthenticated):
        await client.fetch_care_recipient_summary(ORDINARY)
    assert len(sandbox.asked("care_recipient_summary")) == 2


async def test_a_wrong_client_id_asks_for_no_new_token(sandbox, configuration, store):
    async with open_services_australia(replace(configuration, client_id="wrong"), store) as client:
        with pytest.raises(ClientIdRejected):
            await client.fetch_care_recipient_summary(ORDINARY)
    assert len(sandbox.asked("proda_token")) == 1


@pytest.mark.parametrize(
    ("fault", "expected", "calls"),
    [
        ({"kind": "status", "status": 500}, OutOfService, 4),
        ({"kind": "status", "status": 503}, OutOfService, 4),
        ({"kind": "status", "status": 429}, Throttled, 4),
        ({"kind": "status", "status": 403}, NotPermitted, 1),
        ({"kind": "status", "status": 400}, RequestRejected, 1),
        ({"kind": "html", "status": 404}, WrongAddress, 1),
        ({"kind": "html", "status": 200}, NotJson, 1),
        ({"kind": "html", "status": 500}, OutOfService, 4),
        ({"kind": "drop"}, ConnectionFailed, None),
        ({"kind": "truncate"}, Incomplete, 4),
        ({"kind": "not-json"}, NotJson, 1),
        ({"kind": "blank"}, NotJson, 1),
        ({"kind": "wrong-type", "field": "birthDate"}, WrongType, 1),
        ({"kind": "removed-field", "field": "careRecipientId"}, WrongType, 1),
    ],
    ids=str,
)
async def test_each_trouble_is_one_error_and_only_unavailability_is_tried_again(
    sandbox, client, fault, expected, calls
):
    sandbox.fault(operation="care_recipient_summary", **fault)
    with pytest.raises(expected) as caught:
        await client.fetch_care_recipient_summary(ORDINARY)
    if calls is not None:
        assert len(sandbox.asked("care_recipient_summary")) == calls
    assert caught.value.operation == "care_recipient_summary"
    assert ORDINARY not in f"{caught.value} {caught.value!r}"


@pytest.mark.parametrize(
    "fault",
    [{"kind": "status", "status": 500}, {"kind": "drop"}, {"kind": "truncate"}],
    ids=lambda fault: fault["kind"],
)
async def test_trouble_that_passes_is_not_noticed(sandbox, client, fault):
    sandbox.fault(operation="care_recipient_summary", times=2, **fault)
    assert (await client.fetch_care_recipient_summary(ORDINARY)).value.care_recipient_id == ORDINARY


async def test_a_waiting_time_that_was_asked_for_holds_up_everybody(sandbox, client):
    await client.fetch_budgets(ORDINARY)
    sandbox.fault(kind="status", status=429, retryAfter="1", operation="care_recipient_summary", times=1)
    begun = asyncio.get_running_loop().time()
    refused = asyncio.create_task(client.fetch_care_recipient_summary(ORDINARY))
    await asyncio.sleep(0.3)
    await client.fetch_budgets(ORDINARY)
    assert asyncio.get_running_loop().time() - begun >= 0.9
    assert (await refused).value.care_recipient_id == ORDINARY


async def test_a_waiting_time_that_is_too_long_ends_at_once_and_is_told(sandbox, client):
    sandbox.fault(kind="status", status=503, retryAfter="3600", operation="care_recipient_summary")
    with pytest.raises(Throttled) as caught:
        await client.fetch_care_recipient_summary(ORDINARY)
    assert caught.value.retry_after == 3600


async def test_silence_is_a_time_out(sandbox, store):
    configuration = configure(
        "services-australia", sandbox_url=sandbox.url, timing={"timeout_seconds": 0.2, "attempts": 1}
    )
    sandbox.fault(kind="hang", operation="care_recipient_summary", seconds=2)
    async with open_services_australia(configuration, store) as client:
        with pytest.raises(TimedOut):
            await client.fetch_care_recipient_summary(ORDINARY)


async def test_nobody_listening_is_a_failed_connection(configuration, store):
    gone = replace(configuration, base_url="http://127.0.0.1:9")
    async with open_services_australia(gone, store) as client:
        with pytest.raises(ConnectionFailed):
            await client.fetch_care_recipient_summary(ORDINARY)


async def test_a_wrong_path_is_a_wrong_address_and_not_a_missing_person(configuration, store):
    wrong = replace(configuration, paths={"care_recipient_summary": "/nowhere/{careRecipientId}"})
    async with open_services_australia(wrong, store) as client:
        with pytest.raises(WrongAddress):
            await client.fetch_care_recipient_summary(ORDINARY)


@pytest.mark.parametrize("wrong_id", ["", " ", "..", "4/5", "4?x=1", "é", "4" * 41, "400000001\n"])
async def test_a_malformed_id_is_not_sent(sandbox, client, wrong_id):
    with pytest.raises(MalformedId):
        await client.fetch_care_recipient_summary(wrong_id)
    assert sandbox.asked("care_recipient_summary") == []


async def test_an_overridden_path_is_used(configuration, store):
    path = "/service/support-at-home/care-recipient/v1/{careRecipientId}/summary?view=full"
    async with open_services_australia(replace(configuration, paths={"care_recipient_summary": path}), store) as client:
        assert (await client.fetch_care_recipient_summary(ORDINARY)).value.care_recipient_id == ORDINARY


async def test_a_misspelt_operation_in_the_paths_is_told(configuration, store):
    with pytest.raises(NotConfigured, match="budget_detail"):
        async with open_services_australia(replace(configuration, paths={"budget_detail": "/x"}), store):
            pass


async def test_a_path_with_an_unknown_name_in_braces_is_told_before_anything_is_sent(configuration, store):
    with pytest.raises(NotConfigured, match="budgetId"):
        async with open_services_australia(replace(configuration, paths={"budget_details": "/{budgetID}"}), store):
            pass


@pytest.mark.parametrize("care_recipient_id", [ORDINARY, SPARSE, EXTRA_MEMBERS, NOBODY])
async def test_a_recognised_list_of_budgets_tells_the_same_periods_as_a_new_one(client, care_recipient_id):
    read_periods = client.readers.read_periods
    new = await client.fetch_budgets(care_recipient_id)
    seen = await client.fetch_budgets(care_recipient_id, recognise=lambda pages: True)
    told = [
        [(row.budget_id, row.service_provider_id, row.start_date, row.end_date) for row in read_periods(answer)]
        for answer in (new, seen)
    ]
    assert told[0] == told[1]
    assert seen.recognised or care_recipient_id == NOBODY
