"""Interface descriptions: both versions, YAML and JSON, references in and between files; and bad ones, refused."""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from carefund.funders.interfaces.comparing import compare_descriptions
from carefund.funders.interfaces.descriptions import Descriptions, TheirOperation
from carefund.funders.interfaces.documents import WrongDescription
from carefund.funders.interfaces.operation_matching import find_operations
from carefund.funders.interfaces.proposing import settle
from carefund.funders.services_australia.operations import PATHS

from .bad_descriptions import BAD, DETAILS, swagger

BUDGET = {
    "type": "object",
    "properties": {
        "budgetId": {"type": "string"}, "amountSpent": {"type": "number", "minimum": 0}, "total": {"type": "number"},
        "available": {"type": "number"}, "startDate": {"type": "string", "example": "31/12/2026"},
        "usage": {"type": "array", "items": {"$ref": "parts.yaml#/usage"}},
    },
}  # fmt: skip


def read(folder: Path, *documents: Any) -> list[TheirOperation]:
    files = []
    for number, document in enumerate(documents):
        files.append(folder / f"{number}.yaml")
        files[-1].write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    return Descriptions().read(files)


def test_what_is_found_by_words_type_and_example_becomes_a_file(tmp_path: Path):
    (tmp_path / "parts.yaml").write_text(yaml.safe_dump({"usage": {"properties": {"amount": {"type": "number"}}}}))
    found = find_operations(read(tmp_path, swagger({"$ref": "#/definitions/B"}, definitions={"B": BUDGET})), {})

    outcome = settle(list(found.values()), lambda proposal: proposal.is_likely)

    interfaces = outcome.interfaces["services-australia"]
    assert dict(interfaces.dialect.members) == {"Budget.used": "amountSpent"}
    assert interfaces.dialect.date_format == "dd/MM/yyyy"
    assert interfaces.dialect.turned == ("Budget.used",)
    assert interfaces.paths == {}
    assert "paths: claims was not found." in outcome.open_points


def test_version_3_and_a_wrapped_answer(tmp_path: Path):
    (tmp_path / "parts.yaml").write_text("usage: {properties: {amount: {type: number}}}")
    answer = {"content": {"application/json": {"schema": {"type": "object", "properties": {"data": BUDGET}}}}}
    document = {
        "openapi": "3.1.0", "servers": [{"url": "https://api.example/claiming/acws"}],
        "paths": {DETAILS.replace("budgetId", "budgetKey"): {
            "parameters": [{"name": "budgetKey", "in": "path", "schema": {"type": ["string", "null"]}}],
            "get": {"operationId": "BudgetDetails", "responses": {200: answer}},
        }},
    }  # fmt: skip
    details = find_operations(read(tmp_path, json.dumps(document)), {})["budget_details"]
    assert (details.envelope, details.path) == ("data", PATHS["budget_details"])


def test_a_schema_within_itself_ends(tmp_path: Path):
    tree = {"type": "object", "properties": {"budgetId": {"type": "string"}, "again": {"$ref": "#/definitions/B"}}}
    [described] = read(tmp_path, swagger({"$ref": "#/definitions/B"}, definitions={"B": tree}))
    assert described.answer is not None
    assert set(described.answer.members) == {"budgetId", "again"}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_description_is_refused_in_one_sentence(name: str, tmp_path: Path):
    files, words = BAD[name]
    paths = [tmp_path / file for file in files]
    for path in paths:
        path.write_bytes(files[path.name])
    with pytest.raises(WrongDescription) as refused:
        compare_descriptions(paths, {})
    assert words in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_no_description_takes_more_memory_than_a_small_machine_has(tmp_path: Path):
    for number, (files, _) in enumerate(BAD.values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
    script = """
import resource, sys
from pathlib import Path
from carefund.funders.interfaces.comparing import compare_descriptions
from carefund.funders.interfaces.documents import WrongDescription
resource.setrlimit(resource.RLIMIT_AS, (500_000_000, 500_000_000))
for folder in Path(sys.argv[1]).iterdir():
    try:
        compare_descriptions(sorted(folder.iterdir()), {})
    except WrongDescription as fault:
        print(fault)
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == len(BAD)


def test_nothing_doubtful_is_taken_unasked_and_contradictions_never(tmp_path: Path):
    other = {"type": "object", "properties": {"budgetId": {"type": "string"}, "xyzzy": {"type": "number"}}}
    found = find_operations(read(tmp_path, swagger(other)), {})
    outcome = settle(list(found.values()), lambda proposal: False)
    assert outcome.interfaces["services-australia"].dialect.members == ()
    assert "members: Budget.used was not found." in outcome.open_points


def test_types_that_hold_each_other_end(tmp_path: Path):
    """A type in which the same type is a dozen times, also by way of another file."""
    twelve = {f"member{number}": {"$ref": "parts.yaml#/back"} for number in range(12)}
    (tmp_path / "parts.yaml").write_text('back: {properties: {owner: {$ref: "0.yaml#/definitions/B"}}}')
    [described] = read(tmp_path, swagger({"$ref": "#/definitions/B"}, definitions={"B": {"properties": twelve}}))
    assert described.answer is not None
    assert set(described.answer.members) == set(twelve)
    assert set(described.answer.members["member1"].members) == {"owner"}


@pytest.mark.parametrize(
    "schema",
    [
        {"maximum": 10**400},
        {"type": [["a"] * 9] * 9, "enum": [10**400, ["a"]]},
        {"example": 10**4_000},
        {"$ref": "//[/x#/a"},
        {"$ref": "%00#/a"},
    ],
)
def test_a_value_that_no_description_has_ends_in_one_sentence_or_is_left_out(schema: Any, tmp_path: Path):
    with suppress(WrongDescription):
        find_operations(read(tmp_path, swagger(schema)), {})


def test_how_a_date_of_birth_is_sent_is_said_by_its_query_parameter(tmp_path: Path):
    who = ("participant", "participant_surname", "date_of_birth")
    parameters = [{"name": name, "in": "query", "type": "string"} for name in who]
    parameters[2]["description"] = "Written dd-MM-yyyy."
    row = {"properties": {"plan_id": {"type": "string"}, "plan_end_date": {"type": "string", "format": "date"}}}
    answer = {"schema": {"properties": {"result": {"type": "array", "items": row}}}}
    operation = {"operationId": "NdiaPlans1Get", "parameters": parameters, "responses": {"200": answer}}
    document = {"swagger": "2.0", "paths": {"/4.0/plans": {"get": operation}}}
    found = find_operations(read(tmp_path, document), {})
    outcome = settle(list(found.values()), lambda proposal: proposal.is_likely)
    assert outcome.interfaces["ndia"].dialect.sent_date_format == "dd-MM-yyyy"
    assert outcome.interfaces["ndia"].dialect.date_format == ""
