"""Help: each role finds what it may do, the words, whom to ask, and the documentation where there is an address."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from pytest_django import Settings

from carefund.console.page_terms import PAGE_TERMS
from carefund.console.views.help_page import TOPICS
from tests.browsing import Browser
from tests.console import world

pytestmark = [pytest.mark.one_database, pytest.mark.django_db]
Browse = Callable[[User | None], Browser]


def test_each_role_finds_its_tasks_and_every_page_that_they_name_opens(browse: Browse, cast: world.Cast) -> None:
    """A task that leads to a refusal would be worse than none."""
    for person, topics in ((cast.ada, 4), (cast.fay, 2), (cast.ben, 1), (cast.rex, 1)):
        browser = browse(person)
        page = browser.get(reverse("console:help")).content.decode()
        assert sum(f">{topic.name}</h2>" in page for topic in TOPICS) == topics
        shown = [task for topic in TOPICS for task in topic.tasks if f"<b>{task.name}</b>" in page]
        assert {browser.get(reverse(task.address)).status_code for task in shown} == {200}
    assert "Get today&#x27;s figures" not in browse(cast.rex).get(reverse("console:help")).content.decode()


def test_the_words_the_administrators_and_the_documentation(
    browse: Browse, cast: world.Cast, settings: Settings
) -> None:
    settings.DOCS_URL = ""
    page = browse(cast.ben).get(reverse("console:help")).content.decode()
    assert page.count("<dt>") == len(PAGE_TERMS)
    assert "an administrator (Ada Ferris)." in page
    assert "Documentation" not in page
    settings.DOCS_URL = "https://docs.example/carefund"
    assert 'href="https://docs.example/carefund"' in browse(cast.ben).get(reverse("console:help")).content.decode()
