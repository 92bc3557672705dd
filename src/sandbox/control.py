"""The control API under /sandbox: the clock, faults, the journal, switches, devices, and changes to people.

This is the hand from above; no funder has it. Errors are 400 with {"error": "..."}, 404 for what does not exist.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from sandbox.building import Building
from sandbox.clock import stamp
from sandbox.edits import EDITS, BadEdit
from sandbox.gateway import AGED_CARE_AUDIENCE, CLIENT_ID, NDIA_AUDIENCE, ORGANISATION_ID
from sandbox.people import PROVIDERS
from sandbox.proda import ISSUER, PRODA_CLIENT_ID, Device
from sandbox.provider_file import ORGANISATION_NAME, provider_file
from sandbox.scenarios import SCENARIOS, scenario_of
from sandbox.wire import Answer, Call, Route, json_answer

_LISTED_NUMBERS = 10_000


def _answering(work: Callable[[Control, Call], Any]) -> Callable[[Control, Call], Answer]:
    """Turn what a control function returns into an answer, and what it raises into a refusal."""

    def handler(control: Control, call: Call) -> Answer:
        try:
            return json_answer(work(control, call))
        except LookupError:
            return json_answer({"error": "there is no such thing"}, 404)
        except (ValueError, TypeError) as wrong:
            return json_answer({"error": str(wrong)}, 400)

    handler.__doc__ = work.__doc__
    return handler


class Control:
    """Handlers of the control API."""

    def __init__(self, building: Building) -> None:
        self._building = building
        self._world = building.world

    def routes(self) -> list[Route]:
        """The control API's lines of the route table."""
        table: list[tuple[str, str, Callable[[Control, Call], Answer]]] = [
            ("GET", "", Control.values),
            ("GET", "/clock", Control.clock),
            ("POST", "/clock", Control.turn_clock),
            ("POST", "/reset", Control.reset),
            ("GET", "/journal", Control.journal),
            ("DELETE", "/journal", Control.clear_journal),
            ("GET", "/faults", Control.faults),
            ("POST", "/faults", Control.add_fault),
            ("DELETE", "/faults", Control.remove_faults),
            ("DELETE", "/faults/{id}", Control.remove_faults),
            ("GET", "/switches", Control.switches),
            ("POST", "/switches", Control.switch),
            ("GET", "/scenarios", Control.scenarios),
            ("GET", "/provider-file", Control.provider_file),
            ("GET", "/proda/devices", Control.devices),
            ("POST", "/proda/devices", Control.register_device),
            ("POST", "/proda/devices/{deviceName}", Control.change_device),
            ("DELETE", "/proda/devices/{deviceName}", Control.remove_device),
            ("POST", "/proda/forget-tokens", Control.forget_tokens),
            ("GET", "/care-recipients", Control.care_recipients),
            ("POST", "/care-recipients", Control.create),
            ("GET", "/care-recipients/{careRecipientId}", Control.care_recipient),
            ("DELETE", "/care-recipients/{careRecipientId}", Control.undo),
            ("POST", "/care-recipients/{careRecipientId}/{change}", Control.change),
            ("POST", "/change", Control.change_share),
        ]
        return [Route("control", method, f"/sandbox{path}", self._bound(work)) for method, path, work in table]

    def _bound(self, work: Callable[[Control, Call], Answer]) -> Callable[[Call], Answer]:
        return lambda call: work(self, call)

    @_answering
    def values(self, _call: Call) -> Any:
        """The values that a client must be configured with."""
        return {
            "organisationId": ORGANISATION_ID,
            "organisationName": ORGANISATION_NAME,
            "prodaClientId": PRODA_CLIENT_ID,
            "clientId": CLIENT_ID,
            "audiences": {"proda": ISSUER, "agedCare": AGED_CARE_AUDIENCE, "ndia": NDIA_AUDIENCE},
            "serviceProviders": [
                {"serviceProviderId": provider, "serviceNapsId": naps} for provider, naps in PROVIDERS
            ],
            "careRecipients": self._world.care_recipients,
            "today": self._world.clock.today(),
        }

    @_answering
    def clock(self, _call: Call) -> Any:
        """The world's instant and day, and how wrong PRODA's clock is."""
        clock = self._world.clock
        return {"now": stamp(clock.now()), "today": clock.today(), "prodaSkewSeconds": clock.skew}

    @_answering
    def turn_clock(self, call: Call) -> Any:
        """Set or advance the clock: today, now, advanceDays, advanceSeconds, prodaSkewSeconds."""
        wanted, clock = _body(call), self._world.clock
        if "today" in wanted:
            clock.set_today(date.fromisoformat(wanted["today"]))
        if "now" in wanted:
            instant = datetime.fromisoformat(wanted["now"])
            clock.set_now(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
        clock.advance(
            float(wanted.get("advanceSeconds", 0)) + timedelta(days=float(wanted.get("advanceDays", 0))).total_seconds()
        )
        if "prodaSkewSeconds" in wanted:
            clock.skew = float(wanted["prodaSkewSeconds"])
        for work in self._building.on_time:
            work()
        return {"now": stamp(clock.now()), "today": clock.today(), "prodaSkewSeconds": clock.skew}

    @_answering
    def reset(self, call: Call) -> Any:
        """Back to the beginning: careRecipients, seed, today, devices (true forgets the devices too)."""
        wanted = _body(call)
        size = msgspec.convert(wanted.get("careRecipients"), int | None)
        seed = msgspec.convert(wanted.get("seed"), str | None)
        today = date.fromisoformat(wanted["today"]) if wanted.get("today") else None
        self._building.reset(wanted)
        self._world.reset(care_recipients=size, seed=seed, today=today)
        return {"careRecipients": self._world.care_recipients, "today": self._world.clock.today()}

    @_answering
    def journal(self, call: Call) -> Any:
        """What was asked."""
        return self._building.journal.report(call)

    @_answering
    def clear_journal(self, _call: Call) -> Any:
        """Forget what was asked."""
        self._building.journal.clear()
        return {}

    @_answering
    def faults(self, _call: Call) -> Any:
        """The faults in force, with how often they hit."""
        return self._building.faults.active

    @_answering
    def add_fault(self, call: Call) -> Any:
        """Put a fault in force."""
        return self._building.faults.add(_body(call))

    @_answering
    def remove_faults(self, call: Call) -> Any:
        """End one fault, or all."""
        self._building.faults.remove(int(call.args["id"]) if "id" in call.args else None)
        return self._building.faults.active

    @_answering
    def switches(self, _call: Call) -> Any:
        """The switches."""
        return self._building.switches

    @_answering
    def switch(self, call: Call) -> Any:
        """Change some switches."""
        return self._building.switch(_body(call))

    @_answering
    def scenarios(self, _call: Call) -> Any:
        """Each scenario with the care recipients that have it now, among the first ten thousand and the edited."""
        numbers: dict[str, list[str]] = {name: [] for name in SCENARIOS}
        for number in range(1, min(self._world.care_recipients, _LISTED_NUMBERS) + 1):
            edits = self._world.edits.get(number)
            name = edits[0]["name"] if edits and edits[0]["kind"] == "scenario" else scenario_of(number)
            numbers[name].append(str(400_000_000 + number))
        return [
            {"name": row.name, "description": row.description, "careRecipientIds": numbers[row.name]}
            for row in SCENARIOS.values()
        ]

    @_answering
    def provider_file(self, call: Call) -> Any:
        """The provider's own clients and invoices: from, limit, invoices=false."""
        first, limit = int(call.query.get("from", "1")), int(call.query.get("limit", "1000"))
        return provider_file(self._world, first, limit, with_invoices=call.query.get("invoices", "true") != "false")

    @_answering
    def devices(self, _call: Call) -> Any:
        """The devices and their state."""
        return [_device(device) for device in self._building.proda.devices.values()]

    @_answering
    def register_device(self, call: Call) -> Any:
        """What a person does on PRODA's screen: deviceName; the answer holds the one-time activation code."""
        device = self._building.proda.register(_text(_body(call), "deviceName"))
        return {
            "deviceName": device.name,
            "activationCode": device.activation_code,
            "expiresAt": _instant(device.code_expires_at),
        }

    @_answering
    def change_device(self, call: Call) -> Any:
        """Set status, keyAge, or expiries in seconds from now: keyExpiresIn, deviceExpiresIn, codeExpiresIn."""
        device, wanted, now = (
            self._building.proda.devices[call.args["deviceName"]],
            _body(call),
            self._world.clock.proda_now(),
        )
        device.status = str(wanted.get("status", device.status))
        if "keyExpiresIn" in wanted:
            device.key_expires_at = now + float(wanted["keyExpiresIn"])
        if "keyAge" in wanted:
            device.key_from = now - float(wanted["keyAge"])
        if "deviceExpiresIn" in wanted:
            device.device_expires_at = now + float(wanted["deviceExpiresIn"])
        if "codeExpiresIn" in wanted:
            device.code_expires_at = now + float(wanted["codeExpiresIn"])
        return _device(device)

    @_answering
    def remove_device(self, call: Call) -> Any:
        """Take a device off PRODA's list."""
        del self._building.proda.devices[call.args["deviceName"]]
        return {}

    @_answering
    def forget_tokens(self, _call: Call) -> Any:
        """Make all access tokens invalid at once."""
        self._building.proda.forget_tokens()
        return {}

    @_answering
    def care_recipients(self, call: Call) -> Any:
        """Who there is: from, limit."""
        first, limit = int(call.query.get("from", "1")), int(call.query.get("limit", "100"))
        last = min(self._world.care_recipients, first + limit - 1)
        return {
            "total": self._world.care_recipients,
            "careRecipients": [self._describe(number) for number in range(max(1, first), last + 1)],
        }

    @_answering
    def create(self, call: Call) -> Any:
        """One more care recipient: scenario."""
        name = str(_body(call).get("scenario", "ordinary"))
        return self._describe(self._world.create(name))

    @_answering
    def care_recipient(self, call: Call) -> Any:
        """One care recipient: scenario, changes, and the ids of their budgets."""
        number = self._number(call)
        entry = self._world.entry(number)
        budgets = [
            {
                "budgetId": row.budget_id,
                "budgetTypeCode": row.type_code,
                "startDate": row.start_date,
                "endDate": row.end_date,
                "available": row.available,
            }
            for row in entry.budgets
        ]
        return {**self._describe(number), "edits": self._world.edits.get(number, []), "budgets": budgets}

    @_answering
    def undo(self, call: Call) -> Any:
        """Forget every change to a care recipient."""
        number = self._number(call)
        self._world.undo(number)
        return self._describe(number)

    @_answering
    def change(self, call: Call) -> Any:
        """Change a care recipient; the last part of the path names the change."""
        kind = call.args["change"]
        if kind not in EDITS:
            raise BadEdit(f"change must be one of {', '.join(EDITS)}")
        number = self._number(call)
        self._world.change(number, {**_body(call), "kind": kind})
        return self._describe(number)

    @_answering
    def change_share(self, call: Call) -> Any:
        """One more usage line for a share of all people: share, seed."""
        share = float(call.query.get("share", "0.05"))
        if not 0 <= share <= 1:
            raise ValueError("share must be between 0 and 1")
        numbers = self._world.change_share(share, call.query.get("seed", ""))
        return {"changed": len(numbers), "careRecipientIds": [str(400_000_000 + number) for number in numbers[:1000]]}

    def _number(self, call: Call) -> int:
        number = self._world.number_of(call.args["careRecipientId"])
        if number is None:
            raise LookupError
        return number

    def _describe(self, number: int) -> dict[str, Any]:
        person = self._world.entry(number).person
        return {
            "careRecipientId": person.care_recipient_id,
            "firstName": person.first_name,
            "lastName": person.last_name,
            "serviceProviderId": person.service_provider_id,
            "scenario": person.scenario,
            "known": person.known,
            "consent": person.consent,
        }


def _body(call: Call) -> dict[str, Any]:
    return msgspec.convert(call.json() if call.body else {}, dict[str, Any])


def _text(body: dict[str, Any], name: str) -> str:
    if not isinstance(body.get(name), str) or not body[name]:
        raise ValueError(f"{name} is missing")
    return str(body[name])


def _instant(epoch: float) -> str:
    return stamp(datetime.fromtimestamp(epoch, UTC))


def _device(device: Device) -> dict[str, Any]:
    return {
        "deviceName": device.name,
        "status": device.status,
        "hasKey": bool(device.key),
        "keyExpiry": _instant(device.key_expires_at) if device.key else None,
        "deviceExpiry": _instant(device.device_expires_at) if device.key else None,
        "keys": len(device.used_moduli),
    }
