"""How the change log's records, until 0007 one text for people, become keys: used by that migration and by one in runs.

A text was the parts of the natural key that were not empty, joined with " · " and cut at 200 characters. Where nothing
was empty the parts are the key; else the record itself, if it is still stored, says which part is which; else dates go
where dates belong and the rest in order.
"""

import re
from collections import defaultdict

JOINED = " · "
LONGEST = 200
_BUDGET = "plan_budget__budget_id"
# Kind → model and the attributes of its key, as of 0007.
SYNCED = {
    "classifications": ("Classification", ("type", "code", "level", "start_date")),
    "approved_services": (
        "ApprovedService", ("service_group_id", "service_type_id", "service_id", "start_date")),
    "supplements": ("Supplement", ("type_code", "start_date")),
    "individual_contributions": (
        "IndividualContribution", ("service_provider_id", "service_naps_id", "effective_date_from")),
    "budgets": ("PlanBudget", ("budget_id",)),
    "entitlements": ("Entitlement", (_BUDGET, "item_code", "start_date", "end_date")),
    "budget_usage": ("BudgetUsage", (_BUDGET, "invoice_id", "item_id")),
}
CONTRACTS = ("service_contract", "service_contract_budget", "funding_period", "delivered_service")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_CONTRACT = re.compile(r"(?:(?P<category>.*), )?PACE plan from (?P<plan>\d{4}-\d\d-\d\d)", re.DOTALL)
_PERIOD = re.compile(r"(?P<category>.*) from (?P<period>\d{4}-\d\d-\d\d)", re.DOTALL)


class KeyFinder:
    """Finds keys for some clients' records; `apps` has the models of the migration, `alias` is its database."""

    def __init__(self, apps, alias, client_ids, kinds):
        self._known = defaultdict(dict)
        for kind in kinds:
            if kind in SYNCED:
                name, attributes = SYNCED[kind]
                rows = apps.get_model("records", name).objects.using(alias).filter(client_id__in=client_ids)
                for client_id, *values in rows.order_by("id").values_list("client_id", *attributes):
                    key = [value if value is None else str(value) for value in values]
                    self._known[kind, client_id].setdefault(text_of(key)[:LONGEST], key)

    def find(self, kind, client_id, record):
        """The key of a record by its text."""
        if not record:
            return []
        if kind in CONTRACTS:
            return _key_of_contract(kind, record)
        if kind not in SYNCED:
            return [record]
        return self._known[kind, client_id].get(record) or _guess(SYNCED[kind][1], record.split(JOINED))


def text_of(key):
    """The text of a key, as it was until 0007."""
    return JOINED.join(part for part in key if part)


def _guess(attributes, parts):
    dates = [part for part in parts if _DATE.fullmatch(part)]
    texts = [part for part in parts if not _DATE.fullmatch(part)]
    key = []
    for name in attributes:
        if "date" in name:
            key.append(dates.pop(0) if dates else None)
        else:
            key.append(texts.pop(0) if texts else "")
    if dates or texts:  # more parts than the key has: a text held the joint itself, so keep all of it, at its head
        return [JOINED.join(parts), *("" if "date" not in name else None for name in attributes[1:])]
    return key


def _key_of_contract(kind, record):
    """The first day of the PACE plan, then the category, then the funding period's first day."""
    found = _CONTRACT.fullmatch(record)
    if found is None:  # it was cut
        return [None, record]
    category, plan = found["category"], found["plan"]
    if category is None:
        return [plan]
    period = _PERIOD.fullmatch(category) if kind == "funding_period" else None
    return [plan, period["category"], period["period"]] if period else [plan, category]
