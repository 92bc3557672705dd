"""What people take away as files: never run by a spreadsheet, never shown as a page by a browser."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from carefund.records.models import Client
from carefund.runs.models import Run
from tests.browsing import Browser
from tests.console import world

Browse = Callable[[User | None], Browser]


@pytest.mark.parametrize("name", ["clients-csv", "client-changes-csv", "run-csv"])
def test_a_list_is_a_file_and_nothing_else(name: str, browse: Browse, cast: world.Cast, margaret: Client) -> None:
    keys = {
        "client-changes-csv": [margaret.pk],
        "run-csv": [Run.objects.order_by("pk").values_list("pk", flat=True)[0]],
    }
    answer = browse(cast.ada).get(reverse(f"console:{name}", args=keys.get(name, [])))
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="')
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", " =1+1", "＝1+1", "\t-2", "<script>alert(1)</script>"])
def test_a_name_is_a_text_in_the_list(name: str, browse: Browse, cast: world.Cast, margaret: Client) -> None:
    Client.objects.filter(pk=margaret.pk).update(last_name=name)
    answer = browse(cast.ada).get(reverse("console:clients-csv"))
    content = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert f",{name}," not in content or name.startswith("<")
    assert name.strip() in content
