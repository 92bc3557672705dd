"""NDIS settings of the organisation by API: the PACE API, and what category texts mean."""

from typing import Annotated, Any

from ninja import Field, Router, Schema, Status

from carefund.access.roles import may_administer
from carefund.domain.ndis.categories import CATEGORIES
from carefund.records.ndis.queries import find_category_aliases, is_pace_api_enabled, list_unknown_categories
from carefund.rest.problems import NOT_CHANGED, ApiProblem, LineProblem, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken, of_every_branch
from carefund.rest.values import Flag, Given, Text
from carefund.runs.ndis.enabling import store_settings

router = Router(tags=["ndis"])
_MAY = BearerToken(of_every_branch(may_administer))
_NUMBERS = {category.number for category in CATEGORIES}


class NdisSettingsIn(Given):
    """The switch, and numbers of categories by texts that nobody has mapped yet."""

    pace_api: Flag
    mapped: Annotated[dict[Text, Annotated[str, Field(pattern=r"^[0-9]{2}$")]], Field(max_length=200)] = {}


class NdisSettingsOut(Schema):
    """The switch, the texts that were mapped to categories, and those that nobody has mapped yet."""

    pace_api: bool
    mapped: dict[str, str]
    unknown: list[str]


@router.get(
    "/settings",
    auth=_MAY,
    response={200: NdisSettingsOut, **NOT_CHANGED, **refusals()},
    operation_id="find_ndis_settings",
)
def show(request: AuthenticatedRequest) -> dict[str, Any]:
    """Return the settings."""
    return _describe()


@router.put(
    "/settings", auth=_MAY, response={200: NdisSettingsOut, **refusals(413, 415)}, operation_id="store_ndis_settings"
)
def store(request: AuthenticatedRequest, wanted: NdisSettingsIn) -> Status[dict[str, Any]]:
    """Switch the PACE API on or off, and say what unknown category texts are. What was mapped before stays."""
    unknown = set(list_unknown_categories())
    problems = [
        LineProblem(
            line=None, field=f"mapped.{text}"[:80], message="is not one of the unknown texts, or not a category"
        )
        for text, number in wanted.mapped.items()
        if text not in unknown or number not in _NUMBERS
    ]
    if problems:
        raise ApiProblem("invalid", problems=problems)
    store_settings(request.auth, pace_api=wanted.pace_api, mapped=wanted.mapped)
    return Status(200, _describe())


def _describe() -> dict[str, Any]:
    known = {"mapped": find_category_aliases(), "unknown": list_unknown_categories()}
    return {"pace_api": is_pace_api_enabled(), **known}
