"""Interface descriptions: both versions, YAML and JSON, references in and between files; and bad ones, refused."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from carefund.funders.interfaces.descriptions import Descriptions, TheirOperation, WrongDescription
from carefund.funders.interfaces.operation_matching import find_operations
from carefund.funders.interfaces.proposing import settle
from carefund.funders.services_australia.operations import PATHS

DETAILS = "/service/support-at-home/budget/v1/{budgetId}"
BUDGET = {
    "type": "object",
    "properties": {
        "budgetId": {"type": "string"}, "amountSpent": {"type": "number", "minimum": 0}, "total": {"type": "number"},
        "available": {"type": "number"}, "startDate": {"type": "string", "example": "31/12/2026"},
        "usage": {"type": "array", "items": {"$ref": "parts.yaml#/usage"}},
    },
}  # fmt: skip


def swagger(schema: Any, **more: Any) -> dict[str, Any]:
    operation = {
        "operationId": "AgedcareBudgetSahDetails1Get",
        "parameters": [{"name": "budgetId", "in": "path", "required": True, "type": "string"}],
        "responses": {"200": {"schema": schema}},
    }
    return {"swagger": "2.0", "basePath": "/claiming/acws", "paths": {DETAILS: {"get": operation}}, **more}


def read(folder: Path, *documents: Any) -> list[TheirOperation]:
    files = []
    for number, document in enumerate(documents):
        files.append(folder / f"{number}.yaml")
        files[-1].write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    return Descriptions().read(files)


def test_what_is_found_by_words_type_and_example_becomes_a_file(tmp_path: Path):
    (tmp_path / "parts.yaml").write_text(yaml.safe_dump({"usage": {"properties": {"amount": {"type": "number"}}}}))
    found = find_operations(read(tmp_path, swagger({"$ref": "#/definitions/B"}, definitions={"B": BUDGET})), "")

    outcome = settle(list(found.values()), lambda proposal: proposal.is_likely)

    assert dict(outcome.interfaces.dialect.members) == {"Budget.used": "amountSpent"}
    assert outcome.interfaces.dialect.date_format == "dd/MM/yyyy"
    assert outcome.interfaces.dialect.turned == ("Budget.used",)
    assert outcome.interfaces.paths == {}
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
    details = find_operations(read(tmp_path, json.dumps(document)), "")["budget_details"]
    assert (details.envelope, details.path) == ("data", PATHS["budget_details"])


def test_a_schema_within_itself_ends(tmp_path: Path):
    tree = {"type": "object", "properties": {"budgetId": {"type": "string"}, "again": {"$ref": "#/definitions/B"}}}
    [described] = read(tmp_path, swagger({"$ref": "#/definitions/B"}, definitions={"B": tree}))
    assert described.answer is not None
    assert set(described.answer.members) == {"budgetId", "again"}


@pytest.mark.parametrize(
    ("documents", "words"),
    [
        (["{"], "is neither YAML nor JSON"),
        (["a: [1"], "line"),
        (["[]"], "is not an OpenAPI description"),
        (["just words"], "is not an OpenAPI description"),
        (["openapi: 4.0.0"], "Carefund reads versions 2 and 3"),
        (["swagger: '2.0'"], "describes no operations"),
        ([swagger({"$ref": "#/definitions/Gone"})], 'holds nothing at "#/definitions/Gone"'),
        ([swagger({"$ref": "gone.yaml#/x"})], "gone.yaml cannot be read"),
        ([swagger({"$ref": "../../etc/passwd"})], "is outside the folders"),
        ([swagger({"$ref": "https://example.org/x.yaml"})], "refers to a web address"),
        ([swagger({"$ref": "#/definitions/A"}, definitions={"A": {"$ref": "#/definitions/A"}})], "form a loop"),
        ([swagger({}), swagger({})], 'a second operation with the id "AgedcareBudgetSahDetails1Get"'),
        (["#" + "x" * 20_000_000], "is larger than 8 MB"),
        (["a: &a [*a]"], "is not an OpenAPI description"),
        (["x: !!python/object/apply:os.system ['true']"], "is neither YAML nor JSON"),
    ],
)
def test_a_bad_description_is_refused_in_one_sentence(documents: list[Any], words: str, tmp_path: Path):
    with pytest.raises(WrongDescription) as refused:
        read(tmp_path, *documents)
    assert words in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_nothing_doubtful_is_taken_unasked_and_contradictions_never(tmp_path: Path):
    other = {"type": "object", "properties": {"budgetId": {"type": "string"}, "xyzzy": {"type": "number"}}}
    found = find_operations(read(tmp_path, swagger(other)), "")
    outcome = settle(list(found.values()), lambda proposal: False)
    assert outcome.interfaces.dialect.members == ()
    assert "members: Budget.used was not found." in outcome.open_points


def test_what_comes_to_millions_of_values_is_refused_soon(tmp_path: Path):
    """A few hundred letters can stand for them: a type in which the same type is a dozen times."""
    twelve = {f"member{number}": {"$ref": "#/definitions/B"} for number in range(12)}
    with pytest.raises(WrongDescription, match="describes more than"):
        read(tmp_path, swagger({"$ref": "#/definitions/B"}, definitions={"B": {"properties": twelve}}))


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
        find_operations(read(tmp_path, swagger(schema)), "")
