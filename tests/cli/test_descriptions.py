"""`carefund interfaces check` with files that cannot be used: one sentence, status 2, nothing written."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from carefund.cli.interfaces import app
from tests.funders.bad_descriptions import BAD

pytestmark = pytest.mark.one_database


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_used_ends_in_one_sentence(name: str, tmp_path: Path, settings: Any):
    settings.ACCEPTED_INTERFACES_FILE = tmp_path / "data" / "interfaces.toml"
    files, words = BAD[name]
    for file, content in files.items():
        (tmp_path / file).write_bytes(content)
    done = CliRunner().invoke(app, ["check", *(str(tmp_path / file) for file in files), "--accept-likely"])
    assert (done.exit_code, done.stdout) == (2, "")
    [sentence, advice] = done.stderr.splitlines()
    assert words in sentence
    assert advice.strip() == "Nothing was written."
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(files)
