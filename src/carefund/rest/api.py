"""Door 2: what machines may ask, under /api/v1/. Each group of addresses is a router of its own; here they are hung up.

The interactive pages that the framework offers are left out: they would load scripts from elsewhere.
"""

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI

from carefund.rest.invoices import router as invoices
from carefund.rest.problems import Problem
from carefund.rest.tokens import BearerToken

api = NinjaAPI(
    title="Carefund",
    version="1",
    description="Every call carries a token: `Authorization: Bearer cft_…`. Errors have a code, a message and advice.",
    docs_url=None,
    auth=BearerToken(),
    urls_namespace="rest",
)
api.add_router("/invoices", invoices)


@api.exception_handler(Problem)
def answer_problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    """A refusal as JSON with its own status."""
    return api.create_response(request, problem.as_data(), status=problem.status)
