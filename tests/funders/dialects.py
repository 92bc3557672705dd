"""Random dialects of Support at Home, and a sandbox that speaks one: what nobody wrote by hand."""

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st

from carefund.funders.configuration import FunderConfiguration, configure
from carefund.funders.devices import InMemoryDeviceStore
from carefund.funders.dialect import DATE_FORMATS, Dialect, Interfaces, find_ancestor
from carefund.funders.errors.root import FunderError
from carefund.funders.services_australia import payloads
from carefund.funders.services_australia.operations import PATHS
from carefund.funders.sessions import open_proda, open_services_australia

TODAY = "2026-05-20"
PEOPLE = ("400000001", "400000002", "400000004", "400000006", "400000034", "400000048", "400000054")
PROVIDER = "4049000001"
READ = tuple(PATHS)[:8]
ROWS = ("CareRecipientSummary", "Classification", "ApprovedService", "Supplement", "IndividualContribution",
        "BudgetDetails", "Entitlement", "BudgetUsage")  # fmt: skip
AMOUNTS = ("Budget.used", "Budget.write_off", "Budget.rollover_deduction")
WAYS = ("same", "same", "snake", "pascal", "dressed", "other", "gibberish")
# Nothing rests on these; every other member left out would be missing in the rows too.
LEFT_OUT = ("entry_date", "created_at_date_time")
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


def make_dialect(
    choose: Choose, ways: Sequence[str] = WAYS, shapes: Sequence[str] = ("", "data", "result.rows")
) -> Interfaces:
    """A dialect in which no member has the name of another one of its row; `choose` takes one of several."""
    members: dict[str, str] = {}
    for row in ROWS:
        kind = getattr(payloads, row)
        taken = set(kind.__struct_encode_fields__)
        for name, known in zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True):
            member = find_ancestor(kind, name)
            theirs = members.get(member) or _other_name(choose, name, ways)
            if theirs not in taken:
                members[member] = theirs
                taken.add(theirs)
            elif member in members:
                raise AssertionError(f"{member} and another would both be {known}")
    paths = {}
    version = choose(("v1", "v2"))
    for operation in READ:
        path = PATHS[operation].replace("/v1", f"/{version}")
        if operation.startswith("budget") and choose((False, True)):
            path = path.replace("/budget/", "/budgets/")
        paths[operation] = path
    paging = choose(({}, {"page": "pageNumber", "limit": "pageSize"}, {"sortFields": "sort-fields"}))
    turned = choose(((), AMOUNTS))
    place = choose(shapes)
    lists = ("budget_details", "budgets_by_care_recipient", "individual_contribution") if place else ()
    return Interfaces(
        {operation: path for operation, path in paths.items() if path != PATHS[operation]},
        {"": paging} if paging else {},
        Dialect(
            members=tuple(sorted(members.items())),
            date_format=choose(("", *(written for written in DATE_FORMATS if written[:2] != "MM"))),
            turned=tuple(sorted(turned)),
            envelopes=tuple((operation, place) for operation in lists),
        ),
    )


@st.composite
def dialects(draw: st.DrawFn) -> Interfaces:
    """Any such dialect."""
    return make_dialect(lambda options: draw(st.sampled_from(options)))


def write_numbers_as_texts(text: str, interfaces: Interfaces) -> str:
    """The file of a sandbox that writes the amounts of budgets and draws as texts, and leaves some members out."""
    said = dict(interfaces.dialect.members)
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
    """The descriptions of the aged care products, each in a file."""
    files = []
    for product in ask(url, "/openapi"):
        if not product["product"].startswith(("ndia", "proda")):
            files.append(folder / f"{product['product']}.json")
            files[-1].write_text(json.dumps(ask(url, f"/openapi/{product['product']}")))
    return files


def read_everything(url: str, interfaces: Interfaces = Interfaces(), without: frozenset[str] = frozenset()) -> Any:
    """What a client that was told these interfaces makes of the funder's answers, by operation and person."""
    configuration = configure("services-australia", sandbox_url=url, timing={"attempts": 1})
    configuration = replace(configuration, interfaces=interfaces, paths=interfaces.paths)
    return asyncio.run(_read(url, configuration, without))


async def _read(url: str, configuration: FunderConfiguration, without: frozenset[str]) -> Any:
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
    return found


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
