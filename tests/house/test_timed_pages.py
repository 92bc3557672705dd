"""Every page of the console is timed by the benchmark of pages, or stands there with the reason why not."""

from urllib.parse import urlsplit

import pytest
from django.urls import resolve

from benchmarks.pages_list import NOT_TIMED, PEOPLE
from carefund.console.urls import urlpatterns

pytestmark = pytest.mark.one_database


def test_every_page_is_timed_or_says_why_not() -> None:
    timed = {resolve(urlsplit(address).path).url_name for addresses in PEOPLE.values() for address in addresses}
    known = {pattern.name for pattern in urlpatterns}
    assert timed | set(NOT_TIMED) == known
    assert not timed & set(NOT_TIMED)
