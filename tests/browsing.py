"""A browser for tests: the pages that it gets read like in a real one, where a run of white space is one blank."""

import re
from typing import Any

from django.http import HttpResponse
from django.test import Client


class Browser(Client):
    """Django's test client; a page's line breaks and indentation are its author's affair, not the test's."""

    def request(self, **request: Any) -> Any:
        response = super().request(**request)
        if isinstance(response, HttpResponse) and response.headers.get("Content-Type", "").startswith("text/html"):
            text = re.sub(r"\s+", " ", response.content.decode())
            response.content = text.replace("> <", "><").replace(" />", ">").encode()
        return response
