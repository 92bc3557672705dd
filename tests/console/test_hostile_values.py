"""Values that nobody sends by mistake, in every address, query and form: an answer below 500, and nothing kept."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import pytest
from django import forms as django_forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.urls import URLPattern

from carefund.access.tokens import create_token
from carefund.console import forms
from carefund.console.plain_fields import AmountField, DayField, WholeNumberField
from carefund.console.urls import urlpatterns
from tests.browsing import Browser
from tests.console import world
from tests.console.test_page_access import VALUES

Browse = Callable[[User | None], Browser]
HOSTILE = ["a\0b", "²", "9" * 19, "9" * 5000, "-1", "1e400", "0001-01-01", "9999-12-31", "١_0", "foo"]
CONSOLE = Path(forms.__file__).parent


def list_names() -> list[str]:
    """Every name under which a page reads something from its query or form, as the sources say it."""
    sources = [path.read_text() for path in CONSOLE.rglob("*.py")]
    read = re.compile(r'\b(?:GET|POST|data)(?:\.get(?:list)?\(|\[)"(\w+)"')
    field = re.compile(r"^    (\w+) = (?:forms\.\w+|\w+)\($", re.MULTILINE)
    names = {name for source in sources for found in (read, field) for name in found.findall(source)}
    return sorted(names | {"category_0", "code", "password", "old_password", "new_password1", "new_password2"})


NAMES = list_names()
SINGLE = [
    "after", "before", "by", "client", "days", "email", "hours", "ids_file", "kind", "level", "only", "page", "parts",
    "provider", "role", "scope", "search", "service_provider_id", "sort", "state", "tick", "up_to", "user", "username",
]  # fmt: skip
LEFT_ALONE = {"sign-out", "password", "earlier-sign-in"}  # they would end the session of the test


def routes() -> Iterator[tuple[str, str]]:
    for pattern in urlpatterns:
        if isinstance(pattern, URLPattern) and pattern.name not in LEFT_ALONE:
            yield str(pattern.name), str(pattern.pattern)


ROUTES = dict(routes())


def fill(route: str, values: dict[str, object]) -> str:
    """The address of a route, with any text in place of its parts, as a stranger would type it."""
    parts = route.replace("<", "\0<").replace(">", ">\0").split("\0")
    texts = [str(values[part.strip("<>").split(":")[1]]) if part.startswith("<") else part for part in parts]
    return "/" + "".join(quote(text, safe="/", errors="replace") for text in texts)


@pytest.fixture
def browser(browse: Browse, cast: world.Cast) -> Browser:
    """An administrator's, who may ask for every page, and to whom a failure is an answer and not an exception."""
    opened = browse(cast.ada)
    opened.raise_request_exception = False
    return opened


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if "<" in route])
def test_no_part_of_an_address_makes_a_page_fail(name: str, browser: Browser) -> None:
    for value in HOSTILE:
        address = fill(ROUTES[name], dict.fromkeys(VALUES, value))
        for answer in (browser.get(address), browser.post(address)):
            assert answer.status_code < 500, (value, answer.status_code)


@pytest.mark.parametrize("name", ROUTES)
def test_no_query_and_no_form_makes_a_page_fail(name: str, browser: Browser) -> None:
    address = fill(ROUTES[name], VALUES)
    for value in HOSTILE:
        everything = dict.fromkeys(NAMES, value)
        for answer in (browser.get(address, everything), browser.post(address, everything)):
            assert answer.status_code < 500, (value, answer.status_code)


@pytest.mark.parametrize("name", ["clients", "run-new", "access-log", "person-new"])
def test_each_single_value_is_survived(name: str, browser: Browser) -> None:
    address = fill(ROUTES[name], VALUES)
    for field in SINGLE:
        for answer in (browser.get(address, {field: "²"}), browser.post(address, {field: "²"})):
            assert answer.status_code < 500, (field, answer.status_code)


@pytest.mark.parametrize(
    "content", [b"\0", b"invoice,line\n\0,1", "²".encode(), b"9" * 5000, b"\xff\xfe\0", b"a\n" * 3000]
)
def test_no_file_makes_a_page_fail(content: bytes, browser: Browser) -> None:
    for path, field in (("/claims/invoices", "file"), ("/runs/new", "ids_file"), ("/claims/lines/1/evidence", "file")):
        for file_name in ("a.csv", "a\0b.csv", "x" * 400 + ".csv"):
            file = BytesIO(content)
            file.name = file_name
            answer = browser.post(path, {field: file, "scope": "file", "parts": "everything"})
            assert answer.status_code < 500, (path, file_name[:10], answer.status_code)


@pytest.mark.parametrize("value", HOSTILE)
def test_no_cell_makes_a_file_of_invoices_fail(value: str, browser: Browser) -> None:
    cells = {
        "invoice_reference": "INV-1", "line_reference": "L-1", "care_recipient_id": "400000001", "service_id": "SERV-1",
        "delivery_date": "2026-07-09", "quantity": "1", "price": "1",
    }  # fmt: skip
    for field in cells:
        text = ",".join(cells) + "\n" + ",".join((cells | {field: value}).values())
        file = BytesIO(text.encode())
        file.name = "invoices.csv"
        assert browser.post("/claims/invoices", {"file": file}, follow=True).status_code < 500, field


def list_forms(kind: type = django_forms.BaseForm) -> Iterator[type]:
    for form in kind.__subclasses__():
        yield from list_forms(form)
        if form.__module__.startswith("carefund"):
            yield form


def test_numbers_and_days_of_forms_are_read_in_one_place() -> None:
    """Django's own fields read digits of every script, `1_000`, and days as Americans write them."""
    plain = (AmountField, DayField, WholeNumberField)
    known = (django_forms.DecimalField, django_forms.IntegerField, django_forms.DateField)
    found = [(form, name, field) for form in list_forms() for name, field in form.base_fields.items()]
    assert len(found) > 40
    assert not [
        (form, name) for form, name, field in found if isinstance(field, known) and not isinstance(field, plain)
    ]


@pytest.mark.parametrize(
    ("field", "texts"),
    [
        (AmountField(), ["1_000", "١٢", "１２", "1e3", "Infinity", "NaN", "1,000", "²", "0x1"]),
        (WholeNumberField(), ["1_0", "١", "１", "1e1", "+1", "1.0", "²"]),
        (DayField(), ["٢٠٢٦-07-09", "20260709", "7/31/2026", "31/7/26", "0001-01-01", "9999-12-31", "2026-W28-4"]),
    ],
    ids=["amount", "number", "day"],
)
def test_no_form_takes_what_only_python_can_read(field: django_forms.Field, texts: list[str]) -> None:
    for text in texts:
        with pytest.raises(ValidationError):
            field.clean(text)


def test_a_form_takes_what_people_type() -> None:
    assert [AmountField().clean(text) for text in ("80", " 80.50 ", "-1")] == [80, Decimal("80.50"), -1]
    assert WholeNumberField().clean(" 24 ") == 24
    assert {DayField().clean(text) for text in ("2026-07-09", "9/7/2026", " 09/07/2026 ")} == {date(2026, 7, 9)}


def numbers(value: str) -> list[object]:
    return [value, [value], {"a": value}, 10**400, float("inf"), -1, True, None]


@pytest.mark.parametrize("value", [*HOSTILE, "\ud800"])
def test_no_value_makes_the_api_fail(value: str, cast: world.Cast, client: Browser) -> None:
    client.raise_request_exception = False
    headers = {"authorization": f"Bearer {create_token(cast.fay, 'test')[1]}"}
    line = {
        "external_reference_id": "L-1", "care_recipient_id": "400000001", "service_id": "SERV-1",
        "delivery_date": "2026-07-09", "quantity": "1.00", "price_per_unit": "80.00",
    }  # fmt: skip
    for field in line:
        for hostile in numbers(value):
            body = {"external_reference_id": "INV-1", "line_items": [line | {field: hostile}]}
            answer = client.post("/api/v1/invoices", body, content_type="application/json", headers=headers)
            assert answer.status_code < 500, (field, answer.content)
            if answer.status_code >= 400:
                assert answer.headers["Content-Type"] == "application/problem+json"
    address = f"/api/v1/invoices/{quote(value, safe='', errors='replace')}"
    assert client.get(address, headers=headers).status_code < 500


def test_a_form_with_more_ticks_than_a_list_has_is_a_page_of_its_own(browser: Browser) -> None:
    answer = browser.post("/runs/new", {"client": ["1"] * 12_000})
    assert answer.status_code == 400
    assert b"Request not understood" in answer.content


def test_a_form_with_thousands_of_ticks_is_read(browser: Browser) -> None:
    assert browser.post("/runs/new", {"client": ["1"] * 5_000}).status_code == 200
