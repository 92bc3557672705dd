"""A client's records by API: an address for each kind, with the fields of the kind's own columns. No rules here."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from django.utils import timezone
from ninja import Path, Query, Router, Schema
from pydantic import create_model

from carefund.access.access_log import store_view
from carefund.access.gate import find_client_to_read
from carefund.access.roles import may_read
from carefund.records.care_recipient.funding import Funding, find_funding
from carefund.records.models import Client
from carefund.records.models.columns import FieldType, type_of
from carefund.rest.problems import NOT_CHANGED, ApiProblem, LineProblem, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import Day, Number
from carefund.sync.care_recipient.as_of import end_of, rebuild_funding
from carefund.sync.care_recipient.history import find_funding_as_of
from carefund.sync.care_recipient.recordsets import RECORD_SETS, RecordSet

AsOf = Annotated[Day | None, Query(description="The end of a day, in the provider's time zone. Without it: now.")]
_FIRST_DAY = date(2000, 1, 1)
_TYPES: dict[FieldType, Any] = {
    FieldType.MONEY: Decimal | None,
    FieldType.PERCENTAGE: Decimal | None,
    FieldType.DATE: date | None,
}
_CENTS = Decimal("0.01")
_OF_BUDGETS: dict[str, Any] = dict.fromkeys(
    ("committed", "claimed_not_drawn", "delivered_not_claimed", "planned", "safe_to_spend"), Decimal | None
)
_create: Any = create_model  # whose types know no fields that are computed
router = Router(tags=["records"])


def find_funding_of(client: Client, as_of: date | None) -> Funding:
    """What is known of a client now, or was at the end of a day. Raise ApiProblem for a day that cannot be."""
    today = timezone.localdate()
    if as_of is None:
        return find_funding(client, today, open_days=0, with_all_usage=True)
    require_past_day(as_of, today)
    return rebuild_funding(find_funding_as_of(client, end_of(as_of)), as_of)


def require_past_day(as_of: date, today: date) -> None:
    """Raise ApiProblem for a day of which nothing can be known."""
    if not _FIRST_DAY <= as_of <= today:
        problem = LineProblem(line=None, field="as_of", message="must be a day from 2000 to today")
        raise ApiProblem("invalid", "There is nothing to read for this day.", problems=[problem])


def _rows_of(funding: Funding, kind: str) -> Iterator[dict[str, Any]]:
    """The records of a kind, each with what is not a column of its own."""
    flat: dict[str, Iterable[Any]] = {
        "classifications": funding.classifications,
        "approved_services": funding.approved_services,
        "supplements": funding.supplements,
        "individual_contributions": funding.contributions,
    }
    if kind in flat:
        yield from ({"row": row} for row in flat[kind])
        return
    for figures in funding.budgets:
        if kind == "budgets":
            known = figures.commitment
            yield {
                "row": figures.budget,
                "committed": known and known.committed,
                "claimed_not_drawn": known and known.claimed,
                "delivered_not_claimed": known and known.delivered,
                "planned": known and known.planned,
                "safe_to_spend": known and figures.safe_to_spend,
            }
        elif kind == "entitlements":
            yield from ({"row": row, "budget_id": figures.budget.budget_id} for row in figures.entitlements)
        else:
            yield from (
                {"row": draw.line, "budget_id": figures.budget.budget_id, "drawn_by": str(draw.drawn_by)}
                for draw in figures.draws
            )


def _describe_kind(record_set: RecordSet) -> tuple[type[Schema], type[Schema]]:
    """The schema of a record of a kind, and of all of them."""
    own: dict[str, Any] = {"budget_id": str} if record_set.is_child else {}
    own |= _OF_BUDGETS if record_set.kind == "budgets" else {}
    own |= {"drawn_by": str} if record_set.kind == "budget_usage" else {}
    columns = {name: _TYPES.get(type_of(record_set.model, name), str) for name in (*record_set.key, *record_set.fields)}
    fields = {name: (kind, ...) for name, kind in (own | columns | {"no_longer_returned_date": date | None}).items()}
    name = record_set.model.__name__
    one: type[Schema] = _create(f"{name}Out", __base__=Schema, __doc__=f"One {record_set.one}.", **fields)
    many: type[Schema] = _create(
        f"{name}ListOut",
        __base__=Schema,
        __doc__=f"{record_set.label} of a client.",
        client_id=(int, ...),
        **{record_set.kind: (list[one], ...)},  # type: ignore[valid-type]
    )
    return one, many


def _add(record_set: RecordSet) -> None:
    one, many = _describe_kind(record_set)
    names = tuple(one.model_fields)

    def show(request: AuthenticatedRequest, client_id: Annotated[Number, Path()], as_of: AsOf = None) -> dict[str, Any]:
        client = find_client_to_read(request.auth, client_id)
        rows = [_as_data(found, names) for found in _rows_of(find_funding_of(client, as_of), record_set.kind)]
        store_view(request.auth, client, f"{record_set.label} (API)")
        return {"client_id": client.pk, record_set.kind: rows}

    operation: Callable[..., Any] = show
    router.get(
        f"/{{client_id}}/{record_set.kind.replace('_', '-')}",
        auth=BearerToken(may_read),
        response={200: many, **NOT_CHANGED, **refusals(404, 422)},
        operation_id=f"list_{record_set.kind}",
        summary=f"List {record_set.many}",
        description=f"{record_set.label} of a client, now or as they were known at the end of a day; now with those no "
        "longer returned.",
    )(operation)


def _as_data(found: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    row = found.pop("row")
    return {name: _plain(found[name] if name in found else getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    """A value as JSON can hold it: amounts with their cents, null for one that cannot be read."""
    if not isinstance(value, Decimal):
        return value
    return value.quantize(_CENTS) if value.is_finite() else None


for _record_set in RECORD_SETS:
    _add(_record_set)
