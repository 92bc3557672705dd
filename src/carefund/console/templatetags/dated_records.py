"""Cards of a client's records that have a name, one more column and dates: approved services and supplements."""

from typing import Any

from django import template

from carefund.records.care_recipient.funding import Funding

_CARD = "console/care_recipient/pieces/dated_records.html"

register = template.Library()


@register.inclusion_tag(_CARD)
def approved_services(funding: Funding) -> dict[str, Any]:
    """The services that the client is approved for; there may be dozens."""
    return {
        "id": "services",
        "heading": "Approved services",
        "plural": "approved services",
        "columns": ("Service", "Category"),
        "is_tall": True,
        "records": funding.approved_services,
        "today": funding.today,
        "rows": [
            (service, service.service_text or service.service_type_text or service.service_id, service.category or "–")
            for service in funding.approved_services
        ],
    }


@register.inclusion_tag(_CARD)
def supplements(funding: Funding) -> dict[str, Any]:
    """The supplements that add to the client's budget."""
    return {
        "id": "supplements",
        "heading": "Supplement allocations",
        "plural": "supplements",
        "columns": ("Supplement", "Code"),
        "is_code": True,
        "records": funding.supplements,
        "today": funding.today,
        "rows": [
            (supplement, supplement.description or supplement.type_code, supplement.type_code)
            for supplement in funding.supplements
        ],
    }
