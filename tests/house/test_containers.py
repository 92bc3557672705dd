"""The image and the compose files name what there is: commands, settings, the probe, and files of this tree."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.house.tree import ROOT

pytestmark = pytest.mark.one_database
CONTAINERFILE = (ROOT / "Containerfile").read_text(encoding="utf-8")
COMPOSE = sorted(ROOT.glob("compose*.yaml"))


def test_the_image_copies_what_there_is_and_runs_as_an_account_of_its_own():
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINERFILE, re.MULTILINE)
    assert all((ROOT / name).exists() for line in copied for name in line.split())
    assert "pyproject.toml" in " ".join(copied)
    last_stage = CONTAINERFILE.rsplit("\nFROM ", 1)[1]
    assert re.search(r"^USER carefund$", last_stage, re.MULTILINE)


def test_what_the_image_leaves_out_is_the_same_for_docker_and_podman():
    ignored = (ROOT / ".containerignore").read_text(encoding="utf-8")
    assert ignored == (ROOT / ".dockerignore").read_text(encoding="utf-8")
    assert not {"src", "tools", "uv.lock", "README.md"} & set(ignored.splitlines())


def test_the_health_check_asks_the_probe():
    probes = (ROOT / "src" / "carefund" / "rest" / "probes.py").read_text(encoding="utf-8")
    asked = re.findall(r"http://127\.0\.0\.1:8000(/\w+)", CONTAINERFILE)
    assert asked
    assert all(f'"{path}"' in probes for path in asked)


@pytest.mark.parametrize("file", COMPOSE, ids=[file.name for file in COMPOSE])
def test_a_compose_file_names_commands_settings_and_volumes_that_exist(file: Path):
    composed = yaml.safe_load(file.read_text(encoding="utf-8"))
    commands = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    settings = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    entry = json.loads(re.findall(r"^CMD (.+)$", CONTAINERFILE, re.MULTILINE)[-1])
    ours = [service for service in composed["services"].values() if service["image"] == "carefund"]
    assert ours
    for service in ours:
        assert f"carefund {service.get('command', entry)[0]}" in commands
        assert all(name in settings for name in service["environment"])
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert {volume.split(":")[0] for volume in service["volumes"]} <= set(composed["volumes"])
    published = [port for service in composed["services"].values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published), "the proxy is what others reach"
