"""Commands about one person: typed in an installation of their own, or, faster, in this process."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as django_settings

from carefund.cli.main import main
from carefund.funders.configuration import configure
from carefund.runs.models import RunItem
from tests.conftest import Sandbox, table_rows
from tests.installation import Typed, installation, one_sandbox, prepared

__all__ = ["installation", "one_sandbox", "prepared"]

collect_ignore = ["test_sqlite_trouble.py"] if django_settings.ON_POSTGRESQL else []


class Terminal:
    """The same command, typed in this process: the sandbox and the database are the test's own."""

    def __init__(self, sandbox: Sandbox, type_words: Callable[..., Typed], settings: Any) -> None:
        self.sandbox = sandbox
        self.type = type_words
        self.settings = settings
        settings.HAS_SECRET_KEY = True
        self.configure()

    def configure(self, sandbox_url: str = "", **timing: float) -> None:
        """One attempt per call, and what else a test wants of the timing."""
        given: Any = {"sandbox_url": sandbox_url or self.sandbox.url, "timing": {"attempts": 1, **timing}}
        self.settings.SERVICES_AUSTRALIA = configure("services-australia", **given)
        self.settings.NDIA = configure("ndia", **given)

    def records(self) -> dict[str, Any]:
        """Every row about people; the ledger, the state of the check and the device's token apart."""
        apart = ("ProdaDevice", "SyncState")
        return table_rows(
            *(model for model in apps.get_app_config("records").get_models() if model.__name__ not in apart)
        )

    def last_item(self) -> RunItem | None:
        """The newest entry of the ledger."""
        return RunItem.objects.order_by("-id").first()


@pytest.fixture
def terminal(world: Sandbox, add_client: Any, settings: Any, capsys: Any, monkeypatch: Any) -> Terminal:
    """A terminal at an installation with one client, 400000003."""
    add_client("400000003")

    def type_words(*words: str) -> Typed:
        monkeypatch.setattr(sys, "argv", ["carefund", *words])
        capsys.readouterr()
        status = 0
        try:
            main()
        except SystemExit as ending:
            status = int(ending.code or 0)
        return Typed(status, *capsys.readouterr())

    return Terminal(world, type_words, settings)
