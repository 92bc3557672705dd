"""Change the rules of alerts, by page or API: noted in the audit log, and a look is asked for at once."""

from collections.abc import Mapping

from django.contrib.auth.models import User

from carefund.access.audit_log import one_act, store_act
from carefund.domain.alerts import AlertKind, AlertRule, write_rules
from carefund.records.alerts.store import find_rules, store_rules
from carefund.runs.alerts.looking import request_look
from carefund.runs.models import Run


def change_rules(actor: User | None, rules: Mapping[AlertKind, AlertRule]) -> None:
    """Keep these rules in place of those in force."""
    with one_act():
        before = find_rules()
        store_rules(rules)
        store_act(actor, "Alert rules changed", "alerts", before=_flatten(before), after=_flatten(rules))
        request_look(Run.Trigger.ON_DEMAND)


def change_rule(actor: User | None, kind: AlertKind, rule: AlertRule) -> None:
    """Keep one rule, and the others as they are."""
    change_rules(actor, {**find_rules(), kind: rule})


def _flatten(rules: Mapping[AlertKind, AlertRule]) -> dict[str, object]:
    """Rules for the audit log: one entry for each limit."""
    return {f"{kind} {name}": value for kind, rule in write_rules(rules).items() for name, value in rule.items()}
