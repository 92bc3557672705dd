"""A stand-in for Services Australia, faster than any client: pre-encoded bodies, one small protocol, no framework.

It is a process of its own and knows six questions per person. Each body is made once per template and gets the
person's id put in, so that no two people's bodies are equal. A revision number changes every twentieth person; a
number of draws moves one budget of every hundredth. It also lists everybody for a service provider id, page by page.
"""

import argparse
import asyncio
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from urllib.parse import parse_qsl

import msgspec

TEMPLATES = 40
FIRST_NUMBER = 40_000_000
CHANGED_ONE_IN = 20
DRAWN_ONE_IN = 100
SERVICE_PROVIDER_ID = "1000000012"
_ID = b"@@@@@@@@"
_REVISION = b"#####"
_as_json = msgspec.json.Encoder(decimal_format="number").encode  # money has two decimals, as it is sent
_DRAWS = b"%%%%%"
_OPEN_BUDGETS, _CLOSED_BUDGETS, _USAGE_PER_BUDGET = 3, 2, 11
_PATIENCE_SECONDS = 20


def care_recipient_id(number: int) -> str:
    """The id of the n-th person."""
    return str(FIRST_NUMBER + number)


def _summary(template: int) -> dict[str, object]:
    return {
        "careRecipientId": _ID.decode(),
        "firstName": "Wilma",
        "lastName": f"Example {template}",
        "birthDate": "1940-05-03",
        "serviceProviderId": SERVICE_PROVIDER_ID,
        "classifications": [
            {
                "type": "Ongoing",
                "code": f"SAH{1 + (template + row) % 8}",
                "level": str(1 + (template + row) % 8),
                "startDate": f"202{5 + row}-11-01",
                **({"endDate": "2026-10-31"} if row == 0 else {}),
                "status": "Active",
                "priority": "Standard",
            }
            for row in range(2)
        ],
        "approvedServices": [
            {
                "serviceGroupId": "SERG-0001",
                "serviceGroupText": "Home support",
                "serviceTypeId": f"SERT-00{10 + row // 3}",
                "serviceTypeText": f"Type of service {row // 3}",
                "serviceId": f"SERV-00{10 + row}",
                "serviceText": f"Service {row}",
                "category": ("Clinical", "Independence", "Everyday living")[row % 3],
                "startDate": "2025-11-01",
                "status": "Approved",
            }
            for row in range(20)
        ],
        "supplements": [
            {"typeCode": code, "description": text, "startDate": "2025-11-01", "status": "Active"}
            for code, text in (("OXY", "Oxygen"), ("ENT", "Enteral feeding"))
        ],
    }


def _contributions() -> list[dict[str, object]]:
    return [
        {
            "serviceProviderId": SERVICE_PROVIDER_ID,
            "serviceNapsId": "700012",
            "careRecipientId": _ID.decode(),
            "clinicalPercentage": 0,
            "independencePercentage": 17.5,
            "everydayLivingPercentage": 50.25,
            "effectiveDateFrom": f"202{5 + row}-11-01",
            "status": "Active",
            "updatedAtDateTime": "2026-10-01T09:30:00Z",
        }
        for row in range(2)
    ]


def _budget(number: int) -> dict[str, object]:
    is_open = number < _OPEN_BUDGETS
    total = Decimal(f"{7000 + 250 * number}.00")
    return {
        "budgetId": f"{_ID.decode()}{number}",
        "serviceProviderId": SERVICE_PROVIDER_ID,
        "careRecipientId": _ID.decode(),
        "budgetTypeCode": f"ON{number}",
        "budgetType": f"Ongoing budget {number}",
        "entryDate": "2025-11-01",
        "startDate": "2026-10-01" if is_open else "2025-01-01",
        "endDate": "2126-12-31" if is_open else "2025-03-31",
        "total": total,
        "available": total - 1000,
        "used": Decimal("-1000.00"),
        "writeOff": Decimal("0.00"),
        "rolloverDeduction": Decimal("0.00"),
        "status": "Active" if is_open else "Ended",
        "createdAtDateTime": "2026-10-01T00:10:00Z",
        "updatedAtDateTime": f"2026-10-05T00:{number}0:{_REVISION.decode()}{'' if number else _DRAWS.decode()}Z",
    }


def _details(number: int) -> dict[str, object]:
    return _budget(number) | {
        "entitlements": [
            {
                "careRecipientId": _ID.decode(),
                "itemCode": f"ITEM-{row}",
                "description": f"Line {row} of this budget",
                "amount": 1400.55,
                "startDate": "2026-10-01",
                "endDate": "2026-12-31",
                "createdAtDateTime": "2026-10-01T00:10:00Z",
            }
            for row in range(5)
        ],
        "usage": [
            {
                "serviceProviderId": SERVICE_PROVIDER_ID,
                "careRecipientId": _ID.decode(),
                "itemCode": f"SERV-00{10 + row}",
                "description": f"Visit {row}",
                "invoiceId": f"8{_ID.decode()}",
                "itemId": f"{number}{row:03d}",
                "amount": -90.25,
                "deliveryDate": f"2026-10-{1 + row:02d}",
                "updatedAtDateTime": "2026-10-05T00:10:00Z",
            }
            for row in range(_USAGE_PER_BUDGET)
        ],
    }


def _encoded(document: object) -> bytes:
    return _as_answer(_as_json(document))


def _as_answer(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


class Table:
    """All answers, by question and template."""

    def __init__(self) -> None:
        self.summaries = [_encoded(_summary(template)) for template in range(TEMPLATES)]
        self.contributions = _encoded(_contributions())
        self.budgets = _encoded([_budget(number) for number in range(_OPEN_BUDGETS + _CLOSED_BUDGETS)])
        self.details = [_encoded(_details(number)) for number in range(_OPEN_BUDGETS)]
        self.revision = self.draws = self.people = self.calls = 0
        self.lists: dict[str, list[bytes]] = {
            "summaries": [_as_json(_summary(template)) for template in range(TEMPLATES)],
            "contributions": [_as_json(row) for row in _contributions()],
            "budgets": [_as_json(_budget(number)) for number in range(_OPEN_BUDGETS)],
        }

    def answer(self, target: bytes) -> bytes:
        """The whole response to one request target."""
        path, _, query = target.partition(b"?")
        last = path.rpartition(b"/")[2]
        if last.startswith(b"control-"):
            return self._control(last[8:].decode(), int(query or 0))
        self.calls += 1
        if b"serviceProviderId=" in query:
            return self._page(path, query)
        if last == b"summary":
            person = path[-16:-8]
            return self.summaries[int(person) % TEMPLATES].replace(_ID, person)
        if last == b"individual-contribution":
            return self.contributions.replace(_ID, query.partition(b"=")[2][:8])
        person = last[:8]
        body = self.budgets if len(last) == len(person) else self.details[int(last[8:])]
        return self._of(body, int(person))

    def _control(self, name: str, value: int) -> bytes:
        """Set a number of ours, or tell how many questions were asked since the last time."""
        if name == "calls":
            self.calls, value = 0, self.calls
        else:
            setattr(self, name, value)
        return _encoded(value)

    def _page(self, path: bytes, query: bytes) -> bytes:
        """One page of what a service provider id's list says; of budgets those that are open."""
        asked = dict(parse_qsl(query.decode()))
        is_summary = path.endswith(b"summary")
        rows = self.lists["budgets" if b"/budget/" in path else "summaries" if is_summary else "contributions"]
        each = 1 if len(rows) == TEMPLATES else len(rows)
        first = (int(asked["page"]) - 1) * int(asked["limit"])
        last = min(first + int(asked["limit"]), self.people * each)
        numbers = ((FIRST_NUMBER + place // each, place % each) for place in range(first, last))
        listed = (self._of(rows[number % TEMPLATES if each == 1 else row], number) for number, row in numbers)
        return _as_answer(b"[%b]" % b",".join(listed))

    def _of(self, body: bytes, person: int) -> bytes:
        revision = b"%05d" % _last_of(self.revision, person, CHANGED_ONE_IN)
        draws = b"%05d" % _last_of(self.draws, person, DRAWN_ONE_IN)
        return body.replace(_ID, b"%08d" % person).replace(_REVISION, revision).replace(_DRAWS, draws)


def _last_of(number: int, person: int, one_in: int) -> int:
    """The last change up to this number that touched a person, 0 for none."""
    return max(0, number - (number - person) % one_in)


class _Connection(asyncio.Protocol):
    def __init__(self, table: Table, latency_seconds: float) -> None:
        self._table, self._latency = table, latency_seconds
        self._left = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self._left = (self._left + data).split(b"\r\n\r\n")
        for request in requests:
            answer = self._table.answer(request[4 : request.index(b" ", 4)])
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._transport.write, answer)
            else:
                self._transport.write(answer)


async def _serve(latency_seconds: float) -> None:
    table = Table()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(table, latency_seconds), "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def running_upstream(latency_seconds: float = 0) -> Iterator[str]:
    """Start the server as a process; yields its address and stops it afterwards."""
    command = [sys.executable, "-m", "benchmarks.upstream", "--latency", str(latency_seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def set_revision(url: str, revision: int) -> None:
    """Let the upstream change one person in twenty."""
    control(url, "revision", revision)


def control(url: str, name: str, value: int = 0) -> int:
    """Set the upstream's `people`, `draws` or `revision`; or `calls`: how many there were since it was last asked."""
    with urllib.request.urlopen(f"{url}/control-{name}?{value}", timeout=_PATIENCE_SECONDS) as answer:
        return int(answer.read())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0)
    asyncio.run(_serve(parser.parse_args().latency))
