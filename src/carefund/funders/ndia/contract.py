"""What is asked of each PACE operation, of the NDIA itself and of a partner's gateway, and of which type its answer is.

Source: rules NDIS-01, NDIS-03 and NDIS-04.
"""

from carefund.funders.contract import Asked, Contract, list_types
from carefund.funders.ndia import partner_payloads, payloads
from carefund.funders.ndia.operations import BUDGET, BUDGET_ALIAS, DETERMINE, PATHS, PLANS
from carefund.funders.ndia.partner_payloads import KEY_HEADER, ORGANISATION_HEADER, PartnerBudget
from carefund.funders.ndia.payloads import BudgetTree, Determination, PlanRow

_WHO = ("participant", "participant_surname", "date_of_birth")
_ENVELOPE = "result"
_PARAMETERS = {
    "participant": ("ndis_number", "participant_number", "participant_id"),
    "participant_surname": ("surname", "last_name", "family_name"),
    "date_of_birth": ("birth_date", "dob"),
    ORGANISATION_HEADER: ("organisation-id", "organisation", "x-organisation"),
    KEY_HEADER: ("api-key", "apikey", "subscription-key"),
}
NDIA = Contract(
    "ndia",
    "The NDIA",
    {
        DETERMINE: Asked("GET", Determination, query=_WHO, envelope=_ENVELOPE),
        PLANS: Asked("GET", PlanRow, True, _WHO, envelope=_ENVELOPE),
        BUDGET: Asked("GET", BudgetTree, query=_WHO, envelope=_ENVELOPE),
        BUDGET_ALIAS: Asked("GET", BudgetTree, query=_WHO, envelope=_ENVELOPE),
    },
    PATHS,
    tuple(list_types(payloads)),
    _PARAMETERS,
    dates=("date_of_birth",),
)
PARTNER = Contract(
    "ndia-partner",
    "The partner's gateway",
    {partner_payloads.OPERATION: Asked("GET", PartnerBudget, True, envelope="data")},
    partner_payloads.PATHS,
    (PartnerBudget,),
    _PARAMETERS,
    headers=(ORGANISATION_HEADER, KEY_HEADER),
)
