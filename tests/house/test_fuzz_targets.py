"""Whatever decodes what comes from outside is fed by a fuzzing target; what decodes our own says so."""

import ast
import re
from pathlib import Path

import carefund
from tests.fuzz_targets import KINDS, NDIA_KINDS, TARGETS

SOURCE = Path(carefund.__file__).parent
DECODES = re.compile(
    r"json\.loads|msgspec\.(json|msgpack)\.(decode|Decoder)|csv\.reader|zlib\.decompressobj|\bDecompressor|"
    r"ZstdDecompressor|tomllib\.loads|yaml\.load|tarfile\.open|signing\.loads|load_pem_private_key|read_bytes\(\)|ip_address\("
)
OWN = "written by ourselves"
# Where bytes or texts are decoded, and the target that feeds it.
FED_BY = {
    "access/request_addresses.py": "stranger",
    "access/failed_attempts.py": "stranger",
    "access/first_visit.py": "stranger",
    "cli/claims.py": OWN,  # a PDF, of which nothing is read but its first bytes
    "cli/clients.py": "provider file",
    "cli/file_import.py": "invoice file",  # and planned services
    "cli/runs.py": "ids file",
    "domain/csv_tables.py": "invoice file",
    "funders/any_json.py": "Budget",
    "funders/decoding.py": "Budget",
    "funders/device_keys.py": OWN,
    "funders/interfaces/documents.py": "description",
    "funders/interfaces/file.py": "interfaces file",
    "funders/ndia/envelopes.py": "PlanRow",
    "funders/response_body.py": "packed answers",
    "funders/refusals.py": "refusals",
    "records/backups/packing.py": "backup",
    "records/synced_tables.py": OWN,
    "records/compression.py": OWN,
    "records/device_keys.py": OWN,
    "records/personal_data.py": "personal data",
    "records/provider_file.py": "provider file",
    "records/webhooks/store.py": OWN,
    "rest/api.py": "call",
    "runs/webhooks/managing.py": OWN,  # an address that an administrator typed
    "runs/webhooks/sending.py": OWN,  # an address that the resolver gave
    "sync/care_management/previews.py": OWN,
    "sync/care_recipient/previews.py": OWN,
    "sync/ndis/previews.py": OWN,
}


def list_sources() -> list[Path]:
    return [path for path in sorted(SOURCE.rglob("*.py")) if not path.name.startswith("demo")]


def test_each_place_that_decodes_names_its_target():
    decoding = {str(path.relative_to(SOURCE)) for path in list_sources() if DECODES.search(path.read_text())}
    assert decoding == set(FED_BY)
    assert {target for target in FED_BY.values() if target != OWN} <= set(TARGETS)


def test_each_payload_type_that_is_read_is_a_target():
    read = set()
    for path in list_sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "RowReader":
                read.add(ast.unparse(node.args[0]))
    # A trial takes each of these types in turn.
    assert read - {"kind"} == {kind.__name__ for kind in (*KINDS, *NDIA_KINDS)}
