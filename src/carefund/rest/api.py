"""What other systems may ask, under /api/v1/. Each group of addresses is a router of its own; here they are hung up.

The interactive pages that the framework offers are left out: they would load scripts from elsewhere.
"""

import json
from typing import Any

from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser

from carefund.rest.invoices import router as invoices
from carefund.rest.problems import MEDIA_TYPE, ApiProblem, KindOut, list_kinds
from carefund.rest.tokens import BearerToken
from carefund.rest.translating import translate_errors


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
    """The framework's API, whose description names the media type of refusals."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """Return the OpenAPI description."""
        schema = super().get_openapi_schema(**options)
        for operations in schema["paths"].values():
            for operation in operations.values():
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
api.add_router("/invoices", invoices)
translate_errors(api)


@api.get("/problems", response=list[KindOut], auth=None, tags=["problems"], operation_id="list_problems")
def list_problems(request: HttpRequest) -> list[dict[str, Any]]:
    """Every kind of error, which `type` links to. Needs no token."""
    return list_kinds()
