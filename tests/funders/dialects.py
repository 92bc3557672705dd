"""Random dialects of Support at Home, and a sandbox that speaks one: what nobody wrote by hand."""

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
from hypothesis import strategies as st

from carefund.funders.configuration import FunderConfiguration, configure
from carefund.funders.devices import InMemoryDeviceStore
from carefund.funders.dialect import DATE_FORMATS, Dialect, Interfaces, find_ancestor
from carefund.funders.errors.root import FunderError
from carefund.funders.ndia import payloads as pace_payloads
from carefund.funders.ndia.client import open_ndia
from carefund.funders.ndia.contract import NDIA, PARTNER
from carefund.funders.ndia.partner import Partner, open_partner
from carefund.funders.ndia.partner_payloads import PartnerBudget
from carefund.funders.ndia.source import Identity, PaceSource
from carefund.funders.services_australia import claim_payloads, payloads
from carefund.funders.services_australia.claim_payloads import NewAttachment, NewInvoice, NewInvoiceItem
from carefund.funders.services_australia.claiming import Claiming
from carefund.funders.services_australia.operations import PATHS
from carefund.funders.sessions import open_proda, open_services_australia
from sandbox.ndia.partner import KEY, ORGANISATION
from sandbox.world import World

_PERIOD = (date(2025, 1, 1), date(2035, 12, 31))  # whatever day the sandbox has

FUNDER = "services-australia"
TODAY = "2026-05-20"
PEOPLE = ("400000001", "400000002", "400000004", "400000006", "400000034", "400000048", "400000054")
PROVIDER = "4049000001"
READ = tuple(PATHS)[:8]
CLAIMED = tuple(PATHS)[8:]
ROWS = ("CareRecipientSummary", "Classification", "ApprovedService", "Supplement", "IndividualContribution",
        "BudgetDetails", "Entitlement", "BudgetUsage", "NewInvoice", "NewInvoiceItem", "NewAttachment", "NewClaim",
        "InvoiceReference", "InvoicePayload", "InvoiceItem", "WrittenItem", "ClaimPayload", "PaymentStatement",
        "PaymentItem", "AccountSummary", "AccountTransaction")  # fmt: skip
AMOUNTS = ("Budget.used", "Budget.write_off", "Budget.rollover_deduction")
CLAIMED_AMOUNTS = (
    "PaymentStatement.total_paid", "PaymentStatement.care_recipient_individual_contribution",
    "PaymentItem.payment_amount", "AccountSummary.payment_amount",
)  # fmt: skip
WAYS = ("same", "same", "snake", "pascal", "dressed", "other", "gibberish")
# Nothing rests on these; every other member left out would be missing in the rows too.
WRITTEN = ("", *(written for written in DATE_FORMATS if written[:2] != "MM"))
LEFT_OUT = ("entry_date", "created_at_date_time")
PACE_ROWS = ("Determination", "PlanRow", "StatedItem", "SupportCategory", "SupportTypeLevel", "ManagementLevel",
             "BudgetTypeLevel", "BudgetTree")  # fmt: skip
SCENARIOS = ("take-over", "stated-items", "no-consent")
Choose = Callable[[Sequence[Any]], Any]
OTHER_WORDS = {
    "recipient": "client", "provider": "organisation", "used": "spent", "updated": "modified", "start": "commencement",
    "end": "finish", "description": "text", "amount": "value", "birth": "dob", "last": "family", "id": "identifier",
}  # fmt: skip


def _camel(words: list[str]) -> str:
    return words[0] + "".join(word.capitalize() for word in words[1:])


def _other_name(choose: Choose, name: str, ways: Sequence[str]) -> str:
    """One member called otherwise: joined, dressed up, in other words, or in no words at all."""
    words = name.split("_")
    match choose(ways):
        case "snake":
            return "_".join(words) if len(words) > 1 else name.upper()
        case "pascal":
            return "".join(word.capitalize() for word in words)
        case "dressed":
            return _camel([*words, choose(("value", "field", "detail"))])
        case "other":
            return _camel([OTHER_WORDS.get(word, word) for word in words])
        case "gibberish":
            return "".join(choose("bcdfghjklmnpqrstvwxz") for _ in range(choose((5, 6, 7, 8))))
    return _camel(words)


def _rename(kinds: Sequence[Any], choose: Choose, ways: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Every member of types called somehow; none by the name of another one of its row."""
    members: dict[str, str] = {}
    for kind in kinds:
        taken = set(kind.__struct_encode_fields__)
        for name, known in zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True):
            member = find_ancestor(kind, name)
            theirs = members.get(member) or _other_name(choose, name, ways)
            if theirs not in taken:
                members[member] = theirs
                taken.add(theirs)
            elif member in members:
                raise AssertionError(f"{member} and another would both be {known}")
    return tuple(sorted(members.items()))


def make_dialects(choose: Choose, ways: Sequence[str] = WAYS) -> dict[str, Interfaces]:
    """A dialect of each interface."""
    return {
        FUNDER: make_dialect(choose, ways),
        NDIA.name: _make_pace(choose, ways),
        PARTNER.name: _make_partner(choose, ways),
    }


def _make_pace(choose: Choose, ways: Sequence[str]) -> Interfaces:
    place = choose(("", "payload", "data.rows"))
    return Interfaces(
        choose(({}, {"ndia_plans": "/6.0/plans", "ndia_determine_plan": "/6.0/determine-plan"})),
        choose(({}, {"": {"participant": "participant_number", "date_of_birth": "birth_date"}})),
        Dialect(
            members=_rename([getattr(pace_payloads, row) for row in PACE_ROWS], choose, ways),
            date_format=choose(WRITTEN),
            sent_date_format=choose(WRITTEN),
            envelopes=(("ndia_determine_plan", place), ("ndia_plans", place)) if place else (),
        ),
    )


def _make_partner(choose: Choose, ways: Sequence[str]) -> Interfaces:
    return Interfaces(
        choose(({}, {"ndia_partner_budget": "/v3/paceBudgets/{ndisNumber}"})),
        choose(({}, {"": {"org-id": "organisation-id"}})),
        Dialect(members=_rename([PartnerBudget], choose, ways), date_format=choose(WRITTEN)),
    )


def make_dialect(
    choose: Choose, ways: Sequence[str] = WAYS, shapes: Sequence[str] = ("", "data", "result.rows")
) -> Interfaces:
    """A dialect in which no member has the name of another one of its row; `choose` takes one of several."""
    members = _rename([getattr(payloads, row, None) or getattr(claim_payloads, row) for row in ROWS], choose, ways)
    paths = {}
    version = choose(("v1", "v2"))
    for operation in PATHS:
        path = PATHS[operation].replace("/v1", f"/{version}")
        if operation.startswith("budget") and choose((False, True)):
            path = path.replace("/budget/", "/budgets/")
        paths[operation] = path
    paging = choose(({}, {"page": "pageNumber", "limit": "pageSize"}, {"sortFields": "sort-fields"}))
    turned = (*choose(((), AMOUNTS)), *choose(((), CLAIMED_AMOUNTS)))
    place = choose(shapes)
    lists = ("budget_details", "budgets_by_care_recipient", "individual_contribution") if place else ()
    return Interfaces(
        {operation: path for operation, path in paths.items() if path != PATHS[operation]},
        {"": paging} if paging else {},
        Dialect(
            members=members,
            date_format=choose(WRITTEN),
            sent_date_format=choose(WRITTEN),
            turned=tuple(sorted(turned)),
            envelopes=tuple((operation, place) for operation in lists),
        ),
    )


@st.composite
def dialects(draw: st.DrawFn) -> dict[str, Interfaces]:
    """Any such dialects."""
    return make_dialects(lambda options: draw(st.sampled_from(options)))


def write_numbers_as_texts(text: str, interfaces: Mapping[str, Interfaces]) -> str:
    """The file of a sandbox that writes the amounts of budgets and draws as texts, and leaves some members out."""
    said = dict(interfaces[FUNDER].dialect.members)
    lines = [text]
    for row in ("Budget", "BudgetDetails", "BudgetUsage", "Entitlement"):
        kind = getattr(payloads, row)
        lines.append(f"[seen.{row}.members]")
        for info in msgspec.structs.fields(kind):
            if info.name in LEFT_OUT:
                continue
            name = said.get(find_ancestor(kind, info.name), info.encode_name)
            kinds = '["text of a number"]' if "Decimal" in str(info.type) else "[]"
            lines.append(f'{json.dumps(name)} = {{ is = "{info.name}", kinds = {kinds} }}')
    return "\n".join(lines) + "\n"


@contextmanager
def speaking(file: Path | None) -> Iterator[str]:
    """A sandbox that speaks the dialect of a file, or the plain one; gives its address."""
    words = [sys.executable, "-m", "sandbox", "--port", "0", "--today", TODAY]
    words += ["--interfaces", str(file)] if file else []
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait(10)


def ask(url: str, path: str, body: Any = None) -> Any:
    """One call of the control API."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{url}/sandbox{path}", data, timeout=60) as answer:
        return json.load(answer)


def save_descriptions(url: str, folder: Path) -> list[Path]:
    """The descriptions of all products but PRODA, each in a file."""
    files = []
    for product in ask(url, "/openapi"):
        if product["product"] != "proda":
            files.append(folder / f"{product['product']}.json")
            files[-1].write_text(json.dumps(ask(url, f"/openapi/{product['product']}")))
    return files


def read_everything(
    url: str, interfaces: Mapping[str, Interfaces] = MappingProxyType({}), without: frozenset[str] = frozenset()
) -> Any:
    """What a client that was told these interfaces makes of the funders' answers, by operation and person, and what
    comes of an invoice and its claim. The sandbox begins anew each time."""
    ask(url, "/reset", {"today": TODAY})
    said = {name: interfaces.get(name, Interfaces()) for name in (FUNDER, NDIA.name, PARTNER.name)}
    aged_care, pace = (
        replace(configure(name, sandbox_url=url, timing={"attempts": 1}), interfaces=said[name], paths=said[name].paths)
        for name in (FUNDER, NDIA.name)
    )
    return asyncio.run(_read(url, aged_care, pace, said[PARTNER.name], without))


async def _read(
    url: str,
    configuration: FunderConfiguration,
    pace: FunderConfiguration,
    partner: Interfaces,
    without: frozenset[str],
) -> Any:
    store = InMemoryDeviceStore()
    code = ask(url, "/proda/devices", {"deviceName": configuration.device_name})["activationCode"]
    async with open_proda(configuration, store) as proda:
        await proda.activate(code)
    found: dict[str, Any] = {}
    async with open_services_australia(configuration, store) as client:
        for person in PEOPLE:
            for operation, fetch in (
                ("care_recipient_summary", client.fetch_care_recipient_summary),
                ("individual_contribution", client.fetch_individual_contributions),
                ("budgets_by_care_recipient", client.fetch_budgets),
            ):
                if operation not in without:
                    found[f"{operation} {person}"] = await _plainly(fetch(person))
            if "budget_details" not in without:
                found[f"budget_details {person}"] = await _plainly(client.fetch_budget_details(f"254{person}"))
        if "budget_summary" not in without:
            found["budget_summary"] = await _plainly(client.fetch_budget_summary(PROVIDER))
    if not without & set(NDIA.operations):
        async with open_ndia(pace, store) as source:
            found |= await _read_pace(url, NDIA.name, source)
    if not without & set(PARTNER.operations):
        gateway = Partner(f"{url}/partner", ORGANISATION, KEY, partner)
        async with open_partner(gateway, pace.timing) as source_there:
            found |= await _read_pace(url, PARTNER.name, source_there)
    if not without & set(CLAIMED):  # the last, since days go by meanwhile
        async with open_services_australia(configuration, store) as client:
            found |= await _claim(url, Claiming.over(client))
    return found


async def _read_pace(url: str, name: str, source: PaceSource) -> dict[str, Any]:
    """What comes of each question about some participants."""
    found: dict[str, Any] = {}
    for row in ask(url, "/ndia/participants"):
        if row["scenario"] in SCENARIOS:
            who = Identity(row["ndisNumber"], row["surname"], date.fromisoformat(row["birthDate"]))
            for call in (source.fetch_determination, source.fetch_plans, source.fetch_budget):
                found[f"{name} {call.__name__} {row['scenario']}"] = await _plainly(call(who))
    return found


async def _claim(url: str, claiming: Claiming) -> dict[str, Any]:
    """An invoice written, submitted, claimed and paid; what is read of it on the way. It ends with the first error."""
    world = World(60, "carefund", date.fromisoformat(TODAY))
    person = next(
        entry.person
        for entry in map(world.entry, range(1, 20))
        if not entry.person.sparse and entry.person.contributions and entry.person.approved_services
    )
    item = NewInvoiceItem(
        external_reference_id="L1",
        care_recipient_id=person.care_recipient_id,
        service_id=next(row.code for row in person.approved_services if row.end_date is None),
        delivery_date=date(2026, 5, 10),
        quantity=Decimal("1.5"),
        price_per_unit=Decimal("80.25"),
        funding_source="ON",
        unit_type="hours",
    )
    provider, found = person.service_provider_id, dict[str, Any]()
    try:
        new = NewInvoice(service_provider_id=provider, external_reference_id="INV-1")
        invoice_id = (await claiming.create_invoice(new)).invoice.invoice_id
        item_id, _ = await claiming.add_item(invoice_id, item)
        await claiming.attach(invoice_id, item_id, NewAttachment(file_content="JVBERi0xLjQ=", filename="a.pdf"))
        invoice, etag = await claiming.fetch_invoice(invoice_id)
        found["invoice"] = _without_times(invoice)
        found["submitted"] = _without_times((await claiming.submit_invoice(invoice_id, etag)).invoice)
        claim = await claiming.create_claim(provider, [invoice_id])
        ask(url, "/clock", {"advanceSeconds": 77 * 3600})
        found["claim"] = _without_times(await claiming.fetch_claim(claim.claim_id))
        found["statement"] = _without_times(await claiming.fetch_payment_statement(claim.claim_id))
        found["payments"] = _without_times(tuple(await claiming.fetch_payment_items(claim.claim_id)))
        found["account"] = _without_times(await claiming.fetch_account_summary(provider, *_PERIOD))
        found["invoices"] = _without_times(tuple(await claiming.fetch_invoices(provider, "INV-1")))
        found["claims"] = _without_times(tuple((await claiming.fetch_claims(provider)).rows))
    except FunderError as problem:
        found["claiming"] = type(problem).__name__
    return found


def _without_times(value: Any) -> Any:
    """Records as plain data, without the times at which they were written, and without the day of a transaction, which
    is kept as the text that it is."""
    plain = _as_plain(value)
    for row in plain if isinstance(plain, list) else [plain]:
        for inner in [row, *row.get("transactions", ())]:
            for name in [name for name in inner if name.endswith("_date_time") or name == "date"]:
                del inner[name]
    return plain


async def _plainly(fetching: Any) -> Any:
    """The value of an answer as plain data, or the name of its error."""
    try:
        return _as_plain((await fetching).value)
    except FunderError as problem:
        return type(problem).__name__


def _as_plain(value: Any) -> Any:
    """Records under our names, whatever theirs are."""
    if isinstance(value, msgspec.Struct):
        return {name: _as_plain(inner) for name, inner in msgspec.structs.asdict(value).items()}
    return [_as_plain(inner) for inner in value] if isinstance(value, tuple) else value
