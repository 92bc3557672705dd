"""Changes to a care recipient, asked for through the control API, as data: each edit is applied to computed facts.

Edits are the only state kept about people. An edit is a JSON object with `kind`, `at` (a stamp) and its own members.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.people import PROVIDERS, Allocation, Classification, Contribution, Person, Reissue, UsageLine, ongoing
from sandbox.quarters import quarter_of
from sandbox.rates import DAILY_RATES, SERVICES, SUPPLEMENTS
from sandbox.scenarios import SCENARIOS
from sandbox.tiers import add_tier

Edit = dict[str, Any]


class BadEdit(ValueError):
    """The control API was asked for a change that cannot be made; the text says which member is wrong."""


# What can be left out of the answers, by the name used in the control API.
DROPPABLE = ("budgets", "classifications", "supplements", "approvedServices", "contributions", "usage")


def apply_edit(person: Person, edit: Edit) -> None:
    """Change a person's facts. Raises BadEdit if the edit is not understood."""
    try:
        EDITS[edit["kind"]](person, edit)
    except KeyError as missing:
        raise BadEdit(f"missing or unknown: {missing}") from None
    except (ValueError, TypeError, InvalidOperation) as wrong:
        raise BadEdit(str(wrong) or "a member has the wrong form") from None


def _day(edit: Edit, name: str, default: date | None = None) -> date:
    if default is not None and not edit.get(name):
        return default
    return date.fromisoformat(edit[name])


def _optional_day(edit: Edit, name: str) -> date | None:
    return date.fromisoformat(edit[name]) if edit.get(name) else None


def _edit_day(edit: Edit) -> date:
    return date.fromisoformat(edit["day"])


def _scenario(_person: Person, edit: Edit) -> None:
    # The world starts from the scenario before it applies edits; here it is only checked.
    SCENARIOS[edit["name"]]


def _consent(person: Person, edit: Edit) -> None:
    person.consent = bool(edit["given"])


def _known(person: Person, edit: Edit) -> None:
    person.known = bool(edit["known"])


def _change_level(person: Person, edit: Edit) -> None:
    level, start = str(edit["level"]), _day(edit, "from", _edit_day(edit))
    if level not in DAILY_RATES[0][1]:
        raise BadEdit("level must be 1 to 8 or HCP1 to HCP4")
    kept = [row for row in person.classifications if row.code != "ON" or row.start_date < start]
    for row in kept:
        if row.code == "ON" and (row.end_date is None or row.end_date >= start):
            row.end_date = start - timedelta(days=1)
    person.classifications = [*kept, ongoing(level, start)]
    person.changed_at = edit["at"]


def _add_usage(person: Person, edit: Edit) -> None:
    today = _edit_day(edit)
    service = next((row for row in SERVICES if row.service_id == edit.get("itemCode")), SERVICES[0])
    person.usage.append(
        UsageLine(
            type_code=edit.get("budgetTypeCode", "ON"),
            service_provider_id=edit.get("serviceProviderId", person.service_provider_id),
            item_code=edit.get("itemCode", service.service_id),
            description=edit.get("description", service.service_text),
            invoice_id=edit.get("invoiceId", f"30{person.number % 1_000_000:06d}{len(person.usage) % 100:02d}"),
            item_id=edit.get("itemId", "1"),
            amount=Decimal(str(edit.get("amount", "-100.00"))).quantize(Decimal("0.01")),
            delivery_date=_day(edit, "deliveryDate", today),
            visible_date=_day(edit, "visibleFrom", today),
            updated_at=edit["at"],
        )
    )


def _reissue_budget(person: Person, edit: Edit) -> None:
    used = {row.budget_id for row in person.grants} | {row.new_budget_id for row in person.reissues}
    new_id = str(
        edit.get("newBudgetId")
        or next(str(n) for n in range(9_000_000_000 + person.number * 100 + 20, 10**10) if str(n) not in used)
    )
    person.reissues.append(Reissue(str(edit["budgetId"]), new_id, bool(edit.get("keepOld", False)), _edit_day(edit)))


def _drop(person: Person, edit: Edit) -> None:
    if edit["what"] not in DROPPABLE:
        raise BadEdit(f"what must be one of {', '.join(DROPPABLE)}")
    person.dropped.setdefault(edit["what"], set()).add(str(edit.get("which", "all")))


def _restore(person: Person, edit: Edit) -> None:
    if edit.get("what"):
        person.dropped.pop(edit["what"], None)
    else:
        person.dropped.clear()


def _end_classifications(person: Person, edit: Edit) -> None:
    end = _day(edit, "date", _edit_day(edit))
    person.classifications = [row for row in person.classifications if row.start_date <= end]
    for row in person.classifications:
        if row.end_date is None or row.end_date > end:
            row.end_date = end
    person.changed_at = edit["at"]


def _add_classification(person: Person, edit: Edit) -> None:
    code, start = str(edit.get("code", "ON")), _day(edit, "startDate", _edit_day(edit))
    if code in ("AT", "HM"):
        add_tier(person, code, str(edit.get("level", "MEDIUM")), start)
        person.classifications[-1].end_date = _optional_day(edit, "endDate") or person.classifications[-1].end_date
    elif code == "ON":
        if str(edit["level"]) not in DAILY_RATES[0][1]:
            raise BadEdit("level must be 1 to 8 or HCP1 to HCP4")
        person.classifications.append(ongoing(str(edit["level"]), start, _optional_day(edit, "endDate")))
    else:
        person.classifications.append(
            Classification(
                str(edit.get("type", code)), code, str(edit.get("level", "")), start, _optional_day(edit, "endDate")
            )
        )
    person.changed_at = edit["at"]


def _add_supplement(person: Person, edit: Edit) -> None:
    if edit["typeCode"] not in SUPPLEMENTS:
        raise BadEdit(f"typeCode must be one of {', '.join(SUPPLEMENTS)}")
    person.supplements.append(
        Allocation(edit["typeCode"], _day(edit, "startDate", _edit_day(edit)), _optional_day(edit, "endDate"))
    )
    person.changed_at = edit["at"]


def _contributions(person: Person, edit: Edit) -> None:
    rows = edit["rows"]
    person.contributions = (
        None
        if rows is None
        else [
            Contribution(
                Decimal(str(row["independencePercentage"])).quantize(Decimal("0.01")),
                Decimal(str(row["everydayLivingPercentage"])).quantize(Decimal("0.01")),
                _day(row, "effectiveDateFrom", _edit_day(edit)),
                _optional_day(row, "effectiveDateTo"),
            )
            for row in rows
        ]
    )


def _service_provider(person: Person, edit: Edit) -> None:
    person.service_provider_id = str(edit["serviceProviderId"])
    person.service_naps_id = str(
        edit.get("serviceNapsId") or dict(PROVIDERS).get(person.service_provider_id, person.service_naps_id)
    )


def _roll_over(person: Person, edit: Edit) -> None:
    code = str(edit.get("quarter") or "") or quarter_of(quarter_of(_edit_day(edit)).start_date - timedelta(days=1)).code
    person.rolled_dates[code] = _edit_day(edit)


def _identity(person: Person, edit: Edit) -> None:
    person.first_name = str(edit.get("firstName", person.first_name))
    person.middle_name = str(edit.get("middleName", person.middle_name))
    person.last_name = str(edit.get("lastName", person.last_name))
    person.birth_date = _day(edit, "birthDate", person.birth_date)


EDITS: dict[str, Callable[[Person, Edit], None]] = {
    "scenario": _scenario,
    "consent": _consent,
    "known": _known,
    "change-level": _change_level,
    "add-usage": _add_usage,
    "reissue-budget": _reissue_budget,
    "drop": _drop,
    "restore": _restore,
    "end-classifications": _end_classifications,
    "add-classification": _add_classification,
    "add-supplement": _add_supplement,
    "contributions": _contributions,
    "service-provider": _service_provider,
    "roll-over": _roll_over,
    "identity": _identity,
}
