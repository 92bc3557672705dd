"""What other systems may ask, under /api/v1/. Each group of addresses is a router of its own; here they are hung up.

The interactive pages that the framework offers are left out: they would load scripts from elsewhere.
"""

import json
import re
from functools import cached_property
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser

import carefund.rest.run_requests  # noqa: F401 adds its addresses to those of runs
from carefund.rest.accounts import router as accounts
from carefund.rest.administration.connections import router as connections
from carefund.rest.administration.interfaces import router as interfaces
from carefund.rest.administration.logs import router as logs
from carefund.rest.administration.people import router as people
from carefund.rest.administration.schedules import router as schedules
from carefund.rest.administration.tokens import router as tokens
from carefund.rest.alerts import router as alerts
from carefund.rest.branches import router as branches
from carefund.rest.care_management.refreshing import router as care_management
from carefund.rest.changes import router as changes
from carefund.rest.claims.batches import router as batches
from carefund.rest.claims.claims import router as claims
from carefund.rest.claims.evidence import router as evidence
from carefund.rest.claims.exceptions import router as exceptions
from carefund.rest.claims.files import router as invoice_files
from carefund.rest.claims.money import router as money
from carefund.rest.claims.quarter_close import router as quarter_close
from carefund.rest.client_editing import router as client_editing
from carefund.rest.client_imports import router as client_imports
from carefund.rest.client_matches import router as client_matches
from carefund.rest.clients import router as clients
from carefund.rest.exports import router as exports
from carefund.rest.funding import router as funding
from carefund.rest.history import router as history
from carefund.rest.idempotency import WRITES, describe_key, once
from carefund.rest.invoices import router as invoices
from carefund.rest.ndis.contracts import router as ndis
from carefund.rest.ndis.enabling import router as ndis_clients
from carefund.rest.ndis.plans import router as ndis_plans
from carefund.rest.ndis.settings import router as ndis_settings
from carefund.rest.previews import router as previews
from carefund.rest.problems import MEDIA_TYPE, ApiProblem, KindOut, LineProblem, ProblemOut, list_kinds
from carefund.rest.rates import router as rates
from carefund.rest.refusals import translate_errors
from carefund.rest.runs import router as runs
from carefund.rest.spending import router as spending
from carefund.rest.tokens import BearerToken
from carefund.rest.unspent_funds import router as unspent_funds
from carefund.rest.webhooks import router as webhooks

_TAKEN = re.compile(r"<(?:\w+:)?(\w+)>")  # a part of an address that is a value, as Django writes it


class JsonParser(Parser):
    """Read a body that says it is JSON. Raise ApiProblem for any other."""

    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type != "application/json":
            raise ApiProblem("unsupported-media-type")
        try:
            return json.loads(request.body)
        except (ValueError, RecursionError):  # the second: nested deeper than anybody means
            raise ApiProblem("malformed", "The body is not JSON.") from None


class Api(NinjaAPI):
    """The framework's API, which takes no query that it does not describe, and describes the media type of refusals."""

    def create_temporal_response(self, request: HttpRequest) -> HttpResponse:
        """Begin to answer. Raise ApiProblem for a name in the query that the address does not know."""
        match = request.resolver_match
        known = self._queries.get(
            (_TAKEN.sub(r"{\1}", f"/{match.route}") if match else "", request.method or ""), set()
        )
        unknown = [name for name in request.GET if name not in known]
        if unknown:
            problems = [LineProblem(line=None, field=name[:60], message="is not known here") for name in unknown[:20]]
            raise ApiProblem("invalid", "Some names in the address are not known.", problems=problems)
        return super().create_temporal_response(request)

    @cached_property
    def _queries(self) -> dict[tuple[str, str], set[str]]:
        """The names that each address and method knows in its query."""
        return {
            (path, method.upper()): {
                parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"
            }
            for path, operations in self.get_openapi_schema()["paths"].items()
            for method, operation in operations.items()
        }

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """Return the OpenAPI description."""
        schema = super().get_openapi_schema(**options)
        for operations in schema["paths"].values():
            for method, operation in operations.items():
                if method.upper() in WRITES:
                    describe_key(operation)
                for status, answer in operation["responses"].items():
                    if int(status) >= 400:
                        answer["content"] = {MEDIA_TYPE: answer["content"]["application/json"]}
        return schema


api = Api(
    title="Carefund",
    version="1",
    description="Every call needs a token with the right scope: `Authorization: Bearer cft_…`. Errors are problem "
    "details (RFC 9457) with a stable code, advice, and the values that have problems.",
    docs_url=None,
    auth=BearerToken(),
    parser=JsonParser(),
    urls_namespace="rest",
)
api.add_decorator(once)
for _prefix, _router in (
    ("/clients", clients),
    ("/clients", funding),
    ("/clients", spending),
    ("/clients", previews),
    ("/clients", history),
    ("/clients", unspent_funds),
    ("/clients-by-reference", client_editing),
    ("/alerts", alerts),
    ("/client-matches", client_matches),
    ("/client-imports", client_imports),
    ("/changes", changes),
    ("/runs", runs),
    ("/ndis", ndis),
    ("/ndis", ndis_settings),
    ("/clients", ndis_clients),
    ("", ndis_plans),
    ("/service-providers", branches),
    ("/service-providers", accounts),
    ("/care-management", care_management),
    ("/invoices", invoices),
    ("/invoice-files", invoice_files),
    ("/invoice-lines", evidence),
    ("/claim-batches", batches),
    ("", claims),
    ("/exceptions", exceptions),
    ("/money", money),
    ("/quarter-close", quarter_close),
    ("/webhooks", webhooks),
    ("/people", people),
    ("/tokens", tokens),
    ("/schedules", schedules),
    ("/connections", connections),
    ("/interfaces", interfaces),
    ("", logs),
    ("/exports", exports),
    ("/rates", rates),
):
    api.add_router(_prefix, _router)
translate_errors(api)


@api.get(
    "/problems",
    response={200: list[KindOut], 400: ProblemOut, 422: ProblemOut},
    auth=None,
    tags=["problems"],
    operation_id="list_problems",
)
def list_problems(request: HttpRequest) -> list[dict[str, Any]]:
    """Every kind of error, which `type` links to. Needs no token."""
    return list_kinds()
