"""Care management through the API: ids searched for, pools refreshed, and what was shown saved once."""

from collections.abc import Callable
from typing import Any

import pytest

from carefund.access.models import AuditEntry
from carefund.access.roles import Role
from carefund.records.models import CareManagementSave
from carefund.runs.foreground import finish_now
from carefund.runs.models import Run
from tests.rest.conftest import BRANCH, Call

PATH = "/care-management"


def test_what_was_refreshed_is_looked_at_and_saved_once(call: Callable[..., Call], world: Any, add_client: Any):
    add_client("400000001")
    ask = call(Role.ADMINISTRATOR)
    assert ask("post", f"{PATH}/refreshes", {}).status_code == 409
    searches = [ask("post", f"{PATH}/service-provider-searches").json()["run_id"] for _ in range(2)]
    assert searches[0] == searches[1]
    finish_now(Run.objects.get(pk=searches[0]))
    number = ask("post", f"{PATH}/refreshes", {}).json()["run_id"]
    assert ask("get", f"{PATH}/refreshes/{number}").json()["pools"] == []
    finish_now(Run.objects.get(pk=number))
    shown = ask("get", f"{PATH}/refreshes/{number}").json()
    assert shown["run"]["status"] == "finished"
    assert shown["pools"]
    assert not CareManagementSave.objects.exists()
    saved = ask("post", f"{PATH}/refreshes/{number}/save", {}).json()["saved"]
    assert saved == CareManagementSave.objects.count() > 0
    again = ask("post", f"{PATH}/refreshes/{number}/save", {})
    assert (again.status_code, again.json()["code"]) == (409, "preview-changed")
    assert AuditEntry.objects.filter(act="Care management saved").count() == 1
    assert len(ask("get", PATH).json()["parts"]) >= 1


@pytest.mark.django_db
def test_only_administrators_with_all_branches_come_in(call: Callable[..., Call]):
    for ask in (call(), call(Role.ADMINISTRATOR, branches=(BRANCH,)), call(Role.COORDINATOR)):
        assert ask("get", PATH).status_code == 403
        assert ask("post", f"{PATH}/refreshes", {}).status_code == 403
        assert ask("post", f"{PATH}/service-provider-searches").status_code == 403
    run = Run.objects.create(trigger="bulk", kind="sync", total=0)
    assert call(Role.ADMINISTRATOR)("get", f"{PATH}/refreshes/{run.pk}").status_code == 404
    assert call(Role.ADMINISTRATOR)("post", f"{PATH}/service-provider-searches").status_code == 503
