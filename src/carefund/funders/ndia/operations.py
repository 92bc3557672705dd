"""Where each NDIA operation lives, and how a call says who it is about. No network.

One table, every entry of which a deployment can replace. Plans are known to take the identity in the query; how the
other two take it is not public, so a setting decides.
Source: rule NDIS-01.
"""

from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote

from carefund.funders.dialect import Interfaces
from carefund.funders.ndia.source import Identity

IdentityChannel = Literal["query", "header"]

DETERMINE = "ndia_determine_plan"
PLANS = "ndia_plans"
BUDGET = "ndia_pace_budget"
BUDGET_ALIAS = "ndia_pace_budget_4"
PATHS: dict[str, str] = {
    DETERMINE: "/4.0/determine-participant-plan/",
    PLANS: "/4.0/plans",
    BUDGET: "/ext-int-part/5.0/pace/budget/",
    BUDGET_ALIAS: "/ext-int-part/4.0/pace/budget/",
}
SETTING = "CAREFUND_NDIA_PATHS"


def call_for(
    operation: str,
    overridden: Mapping[str, str],
    identity: Identity,
    channel: IdentityChannel,
    interfaces: Interfaces = Interfaces(),
) -> tuple[str, dict[str, str]]:
    """The path with its query, and the headers, of one call about one participant, as the interfaces call them."""
    path = overridden.get(operation) or PATHS[operation]
    called = interfaces.parameters_of(operation)
    who = {
        called.get(name, name): value
        for name, value in (
            ("participant", identity.ndis_number),
            ("participant_surname", identity.surname),
            ("date_of_birth", interfaces.dialect.write_sent(identity.birth_date)),
        )
    }
    if channel == "header" and operation != PLANS:
        # Header values are latin-1 on the wire; a surname beyond it goes as its UTF-8 bytes, percent-encoded.
        return path, {name: value if value.isascii() else quote(value, safe=" '") for name, value in who.items()}
    pairs = "&".join(f"{quote(name)}={quote(value, safe='')}" for name, value in who.items())
    return f"{path}{'&' if '?' in path else '?'}{pairs}", {}
