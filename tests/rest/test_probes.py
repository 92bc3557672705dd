"""What monitoring asks: alive, ready, and figures for whom they are meant, with nobody in them."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import User
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client as Browser
from django.test import override_settings
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from carefund.access.models import AccessLogEntry
from carefund.access.roles import Role, give_role
from carefund.access.tokens import create_token
from carefund.environment import EnvironmentVariables
from carefund.funders.counting import take_counts
from carefund.records.models.devices import ProdaDevice
from carefund.runs.call_counts import store_call_counts
from carefund.runs.metrics import METRICS
from carefund.runs.models import CallCount, Run, RunItem
from tests.rest.conftest import BRANCH

pytestmark = pytest.mark.django_db
DOCS = Path(__file__).parents[2] / "docs"
networks = EnvironmentVariables().networks


def read(**sent: Any) -> dict[tuple[str, tuple[str, ...]], float]:
    """The figures, by name and the values of labels."""
    answer = Browser().get("/metrics", **sent)
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_probes_answer_under_any_name_and_unencrypted():
    with override_settings(SECURE_SSL_REDIRECT=True):
        for path in ("/healthz", "/readyz", "/metrics"):
            assert Browser().get(path, headers={"host": "10.1.2.3:8000"}).status_code == 200
    assert Browser().post("/healthz").status_code == 405


def test_tables_of_another_version_are_not_ready():
    MigrationRecorder.Migration.objects.create(app="runs", name="9999_newer")
    answer = Browser().get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (503, False)
    assert "newer version" in answer.json()["problem"]
    assert Browser().get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("trusted", "allowed", "sent", "status"),
    [
        ([], ["127.0.0.0/8"], {"REMOTE_ADDR": "127.0.0.1"}, 200),
        ([], ["127.0.0.0/8"], {"REMOTE_ADDR": "192.0.2.1"}, 401),
        ([], ["127.0.0.0/8"], {"HTTP_X_FORWARDED_FOR": "192.0.2.1"}, 401),  # a proxy here that nobody named
        ([], ["127.0.0.0/8"], {"HTTP_X_FORWARDED_PROTO": "https"}, 401),
        (["127.0.0.1"], ["127.0.0.0/8"], {}, 401),  # a proxy that does not say for whom it asks
        (["127.0.0.1"], ["127.0.0.0/8"], {"HTTP_X_FORWARDED_FOR": "127.0.0.2"}, 200),
        (["10.0.0.1"], ["127.0.0.0/8"], {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 401),
        (["127.0.0.1"], ["10.0.0.0/8"], {"HTTP_X_FORWARDED_FOR": "10.9.9.9"}, 200),
        ([], [], {"REMOTE_ADDR": "127.0.0.1"}, 401),
    ],
)
def test_figures_are_for_addresses_that_are_allowed_for_certain(
    trusted: list[str], allowed: list[str], sent: dict[str, str], status: int
):
    with override_settings(
        TRUSTED_PROXIES=networks("CAREFUND_X", default=trusted),
        METRICS_ADDRESSES=networks("CAREFUND_X", default=allowed),
    ):
        assert Browser().get("/metrics", **sent).status_code == status


def test_elsewhere_they_need_a_token_with_the_scope():
    user = User.objects.create_user("monitoring")
    give_role(user, Role.READ_ONLY)

    def ask(*scopes: str) -> Any:
        _, text = create_token(user, "Prometheus", scopes=scopes)
        return Browser().get("/metrics", headers={"Authorization": f"Bearer {text}"}, REMOTE_ADDR="192.0.2.1")

    assert ask("monitoring").status_code == 200
    assert ask("read", "administration").status_code == 403
    with override_settings(SECURE_SSL_REDIRECT=True):
        assert ask("monitoring").json()["code"] == "not-encrypted"
    assert AccessLogEntry.objects.count() == 1, "the refused one"


def test_they_tell_how_the_installation_is_doing(add_client: Any):
    now = timezone.now()
    add_client("400000001", service_provider_id=BRANCH)
    ProdaDevice.objects.create(environment="sandbox", key_expires_at=now + timedelta(days=9))
    run = Run.objects.create(trigger="bulk", scope="Wilma Example", total=2)
    RunItem.objects.create(run=run, holds="client:1", care_recipient_id="400000001")
    RunItem.objects.create(run=run, holds="client:2", status="done", outcome="unchanged", finished_at=now)
    Run.objects.filter(pk=run.pk).update(created_at=now - timedelta(hours=5))
    CallCount.objects.create(funder="ndia", status=0, count=7)
    found = read()
    assert found["carefund_clients", ("stale",)] == found["carefund_clients", ("active",)] == 1
    assert found["carefund_items", ("sync", "queued")] == 1
    assert found["carefund_oldest_waiting_seconds", ("sync",)] == pytest.approx(5 * 3600, abs=60)
    assert found["carefund_last_success_timestamp_seconds", ("services-australia", "sync")] == now.timestamp()
    assert found["carefund_calls_total", ("ndia", "none")] == 7
    assert found["carefund_key_expires_timestamp_seconds", ()] == (now + timedelta(days=9)).timestamp()
    text = Browser().get("/metrics").content.decode()
    assert not re.search(r"Wilma|400000001|" + BRANCH, text), "no names and no ids"


def test_calls_are_counted_by_status_and_none_twice(world: Any, add_client: Any, synchronise: Any):
    take_counts()
    synchronise(add_client(world.scenario("ordinary")[0]))
    counted = dict(CallCount.objects.values_list("status", "count"))
    assert set(counted) == {200}
    assert counted[200] > 5
    store_call_counts()
    assert dict(CallCount.objects.values_list("status", "count")) == counted


def test_each_figure_is_documented_and_each_alert_names_figures_that_exist():
    known = {metric.name + ("_total" if metric.grows else "") for metric in METRICS} | {"carefund_build"}
    assert known == set(re.findall(r"`(carefund_\w+)`", (DOCS / "monitoring.md").read_text()))
    rules = [rule for group in yaml.safe_load((DOCS / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 9
    states = {"active", "failed", "consent_missing", "stale"}
    for rule in rules:
        named = set(re.findall(r"carefund_\w+", rule["expr"]))
        assert named, rule["alert"]
        assert named <= known, rule["alert"]
        assert set(re.findall(r'state="(\w+)"', rule["expr"])) <= states
        assert set(rule["annotations"]) == {"summary", "description"}
        labels = {label for metric in METRICS for label in metric.labels if metric.name in rule["expr"]}
        assert set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])) <= labels
