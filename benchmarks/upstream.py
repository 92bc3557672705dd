"""A stand-in for Services Australia, faster than any client: pre-encoded bodies, one small protocol, no framework.

It is a process of its own and knows six questions per person. Each body is made once per template and gets the
person's id put in, so that no two people's bodies are equal. A revision number changes every twentieth person.
"""

import argparse
import asyncio
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

TEMPLATES = 40
FIRST_NUMBER = 40_000_000
CHANGED_ONE_IN = 20
_ID = b"@@@@@@@@"
_REVISION = b"#####"
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
        "serviceProviderId": "1000000012",
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
            "serviceProviderId": "1000000012",
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
    total = 7000 + 250 * number
    return {
        "budgetId": f"{_ID.decode()}{number}",
        "serviceProviderId": "1000000012",
        "careRecipientId": _ID.decode(),
        "budgetTypeCode": f"ON{number}",
        "budgetType": f"Ongoing budget {number}",
        "entryDate": "2025-11-01",
        "startDate": "2026-10-01" if is_open else "2025-01-01",
        "endDate": "2126-12-31" if is_open else "2025-03-31",
        "total": total,
        "available": total - 1000,
        "used": -1000,
        "writeOff": 0,
        "rolloverDeduction": 0,
        "status": "Active" if is_open else "Ended",
        "createdAtDateTime": "2026-10-01T00:10:00Z",
        "updatedAtDateTime": f"2026-10-05T00:{number}0:{_REVISION.decode()}Z",
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
                "serviceProviderId": "1000000012",
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
    body = msgspec.json.encode(document)
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


class Table:
    """All answers, by question and template."""

    def __init__(self) -> None:
        self.summaries = [_encoded(_summary(template)) for template in range(TEMPLATES)]
        self.contributions = _encoded(_contributions())
        self.budgets = _encoded([_budget(number) for number in range(_OPEN_BUDGETS + _CLOSED_BUDGETS)])
        self.details = [_encoded(_details(number)) for number in range(_OPEN_BUDGETS)]
        self.revision = 0

    def answer(self, target: bytes) -> bytes:
        """The whole response to one request target."""
        path, _, query = target.partition(b"?")
        last = path.rpartition(b"/")[2]
        if last == b"summary":
            person = path[-16:-8]
            return self.summaries[int(person) % TEMPLATES].replace(_ID, person)
        if last == b"individual-contribution":
            return self.contributions.replace(_ID, query.partition(b"=")[2][:8])
        if last.startswith(b"revision"):
            self.revision = int(query)
            return _encoded({})
        person = last[:8]
        body = self.budgets if len(last) == len(person) else self.details[int(last[8:])]
        return body.replace(_ID, person).replace(_REVISION, b"%05d" % self._revision_of(int(person)))

    def _revision_of(self, person: int) -> int:
        """The last revision that touched this person, 0 for none."""
        behind = (self.revision - person) % CHANGED_ONE_IN
        return max(0, self.revision - behind)


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
    with urllib.request.urlopen(f"{url}/revision?{revision}", timeout=_PATIENCE_SECONDS) as answer:
        answer.read()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0)
    asyncio.run(_serve(parser.parse_args().latency))
