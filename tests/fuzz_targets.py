"""What takes bytes from outside, each as a function that may raise our own named errors and nothing else.

Hypothesis feeds them in the suite, atheris for as long as one likes (`make fuzz`).
"""

import gzip
import io
import json
import tarfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import zstandard
from django.test import RequestFactory
from pydantic import ValidationError

from carefund.access import first_visit
from carefund.access.failed_attempts import is_known_browser
from carefund.access.request_addresses import find_client_address, name_for_counting
from carefund.domain.care_recipient.client_file import read_client_file
from carefund.domain.care_recipient.planned_file import read_planned_file
from carefund.domain.claims.invoice_file import read_invoice_file
from carefund.domain.csv_tables import UnreadableFile
from carefund.funders.decoding import RowReader
from carefund.funders.devices import DeviceState
from carefund.funders.dialect import PLAIN, Interfaces
from carefund.funders.errors.configuring import NotConfigured
from carefund.funders.errors.root import FunderError
from carefund.funders.http import Response
from carefund.funders.interfaces.answer_check import Examination
from carefund.funders.interfaces.descriptions import Descriptions
from carefund.funders.interfaces.documents import WrongDescription
from carefund.funders.interfaces.file import as_text, read_text
from carefund.funders.interfaces.operation_matching import find_operations
from carefund.funders.interfaces.proposing import settle
from carefund.funders.interfaces.shareable_description import Words, describe
from carefund.funders.ndia.envelopes import open_envelope, sorted_refusal
from carefund.funders.ndia.partner_payloads import PartnerBudget
from carefund.funders.ndia.payloads import BudgetTree, Determination, PlanRow
from carefund.funders.proda_answers import object_in, proda_refusal, token_in, with_expiries
from carefund.funders.refusals import refusal
from carefund.funders.response_body import Unpacking, in_utf8
from carefund.funders.services_australia import claim_payloads, payloads
from carefund.funders.unreadable import UnreadableRow
from carefund.records.backups.manifest import BackupRefused
from carefund.records.backups.packing import read_manifest, unpack
from carefund.records.personal_data import read_content
from carefund.records.provider_file import NotAProviderFile, read_provider_file
from carefund.rest.api import JsonParser
from carefund.rest.invoices import InvoiceIn
from carefund.rest.problems import ApiProblem
from carefund.runs.bulk_scopes import EmptyFile, read_ids

KINDS: tuple[type[msgspec.Struct], ...] = (
    payloads.CareRecipientSummary, payloads.IndividualContribution, payloads.Budget, payloads.BudgetPeriod,
    payloads.BudgetDetails,
    claim_payloads.InvoicePayload, claim_payloads.WrittenItem, claim_payloads.ClaimPayload,
    claim_payloads.PaymentStatement,
    claim_payloads.PaymentItem, claim_payloads.AccountSummary, PartnerBudget,
)  # fmt: skip
NDIA_KINDS: tuple[type[msgspec.Struct], ...] = (Determination, PlanRow, BudgetTree)
STATUSES = (200, 400, 401, 403, 404, 409, 418, 429, 500, 503)
_LARGEST_UNPACKED = 10_000
CHARSETS = ("utf-8", "iso-8859-1", "windows-1252", "utf-16", "utf-32", "utf-7", "koi8-r", "no-such-thing")


def reader_target(kind: type[msgspec.Struct]) -> Callable[[bytes], None]:
    """Any bytes as an answer of one payload type: what comes out can be kept."""
    reader = RowReader(kind)

    def read(body: bytes) -> None:
        with suppress(FunderError):
            require_kept(reader.read_rows(body, "fuzz"))
        with suppress(FunderError):
            require_kept([reader.read_one(body, "fuzz")])
        if "care_recipient_id" in kind.__struct_fields__:
            with suppress(FunderError):
                rows = reader.read_list(body, "fuzz")
                require_kept([row for row in rows if not isinstance(row, UnreadableRow)])

    return read


def ndia_target(kind: type[msgspec.Struct]) -> Callable[[bytes], None]:
    """Any bytes as the NDIA's envelope around a payload type."""
    reader = RowReader(kind)

    def read(body: bytes) -> None:
        with suppress(FunderError):
            require_kept(reader.read_rows(open_envelope(body, "fuzz"), "fuzz"))

    return read


def require_kept(rows: Sequence[Any]) -> None:
    """Fail unless every value of these rows fits every database and every page."""
    for row in rows:
        for name in row.__struct_fields__:
            value = getattr(row, name)
            if isinstance(value, tuple | list):
                require_kept(value)
            elif isinstance(value, Decimal):
                assert value.is_finite(), name
                assert abs(value) <= 10**11, name
                assert value == value.quantize(Decimal("0.01")), name
            elif isinstance(value, date):
                assert 1900 <= value.year <= 2200, name
            elif isinstance(value, str):
                assert len(value) <= 2000, name
                assert "\0" not in value, name
                value.encode()


def read_refusal(body: bytes) -> None:
    """Any bytes as a body, and as headers, of any status."""
    status = STATUSES[body[0] % len(STATUSES)] if body else 500
    text = body.decode("utf-8", "surrogateescape")
    headers = {"Retry-After": text, "Date": text, "ETag": text}
    error = sorted_refusal(refusal("fuzz", status, headers, body[1:]))
    for detail in error.details:
        assert all(len(part) <= 500 and "\0" not in part for part in detail)
        "".join(detail).encode()
    received = Response(status, headers, body[1:])
    proda_refusal("fuzz", received, DeviceState())
    with suppress(FunderError):
        assert received.etag.isascii()
    with suppress(FunderError):
        document = object_in(received, "fuzz")
        with_expiries(DeviceState(), document)
        assert token_in(document, datetime.now(UTC), "fuzz").value.isascii()


def read_letters(body: bytes) -> None:
    """Any bytes in any character set."""
    charset = CHARSETS[body[0] % len(CHARSETS)] if body else ""
    with suppress(FunderError):
        in_utf8(body[1:], charset, "fuzz")


def read_clients(content: bytes) -> None:
    """Any bytes as a file of clients."""
    with suppress(UnreadableFile):
        for row in read_client_file(content, date(2026, 11, 22)).rows:
            assert len(row.first_name) <= 80
            assert "\0" not in f"{row.first_name}{row.last_name}{row.external_reference_id}"
            assert row.birth_date is None or row.birth_date.year >= 1900


def read_invoices(content: bytes) -> None:
    """Any bytes as a file of invoice lines."""
    with suppress(UnreadableFile):
        for row in read_invoice_file(content).rows:
            assert 1900 <= row.delivery_date.year <= 2200
            assert "\0" not in f"{row}"


def read_planned(content: bytes) -> None:
    """Any bytes as a file of planned services."""
    with suppress(UnreadableFile):
        for row in read_planned_file(content).rows:
            assert 2025 <= row.from_date.year <= 2099
            assert 0 < row.price < 10**6
            assert "\0" not in f"{row}"


def read_provider(content: bytes) -> None:
    """Any bytes as a provider's own file."""
    with suppress(NotAProviderFile):
        read = read_provider_file(content)
        require_kept([*read.clients, *read.service_providers])
        for invoice in read.invoices:
            require_kept(invoice.items)


def read_id_list(content: bytes) -> None:
    """Any bytes as a list of ids."""
    with suppress(EmptyFile):
        assert not any("\0" in read_id or len(read_id) > 80 for read_id in read_ids(content))


def read_personal_data(content: bytes) -> None:
    """Any bytes as an archived answer that somebody is given."""
    json.dumps(read_content(content), indent=1)


def read_packed(content: bytes) -> None:
    """Any bytes as a packed answer, in pieces of any size."""
    unpacking, size = Unpacking("fuzz", _LARGEST_UNPACKED), (content[0] % 40 + 1) if content else 1
    with suppress(FunderError):
        for start in range(0, len(content), size):
            unpacking.add(content[start : start + size])
        assert len(unpacking.end()) <= _LARGEST_UNPACKED


def read_interfaces(content: bytes) -> None:
    """Any bytes as an interfaces file; one that is taken is written and read again as the same."""
    with suppress(NotConfigured):
        found = read_text(content.decode("utf-8", "replace"), "fuzz")
        assert read_text(as_text(found), "fuzz") == found


def read_description(content: bytes) -> None:
    """Any bytes as a description of interfaces, up to the file that is proposed."""
    with TemporaryDirectory() as folder, suppress(WrongDescription, NotConfigured):
        file = Path(folder, "fuzz.yaml")
        file.write_bytes(content)
        found = find_operations(Descriptions().read([file]), {"services-australia": "https://example.test/base"})
        read_text(as_text(settle(list(found.values()), lambda proposal: True).interfaces), "fuzz")


def examine(content: bytes) -> None:
    """Any bytes as answers of a trial, up to the description that may be given away, which is an interfaces file."""
    examination, words = Examination(PLAIN, {}), Words()
    for operation in ("budget_details", "care_recipient_summaries", "account_summary"):
        with suppress(FunderError):
            words.add(examination.add(operation, content))
    with suppress(NotConfigured):
        read_text(describe([(examination, Interfaces())], words), "fuzz")


def read_backup(content: bytes) -> None:
    """Any bytes as a backup."""
    with TemporaryDirectory() as folder, suppress(BackupRefused):
        file = Path(folder, "fuzz.tar")
        file.write_bytes(content)
        unpack(file, read_manifest(file), "database.sqlite3.zst", Path(folder, "database"))


def read_call(content: bytes) -> None:
    """Any bytes as the body of a call to our API."""
    with suppress(ApiProblem, ValidationError):
        request = RequestFactory().post("/", content, content_type="application/json")
        InvoiceIn.model_validate(JsonParser().parse_body(request)).model_dump_json().encode()


def read_stranger(content: bytes) -> None:
    """Any bytes as what a stranger's request says of itself: where it comes from, and which browser it is."""
    text = content.decode("latin-1")
    trusted = [ip_network("0.0.0.0/0"), ip_network("::/0")]
    assert len(name_for_counting(find_client_address("127.0.0.1", text, trusted))) <= 50
    request = RequestFactory().get("/")
    request.COOKIES["carefund_browser"] = text
    assert not is_known_browser(request, "boss")
    assert not first_visit.is_valid(text)


TARGETS: dict[str, Callable[[bytes], None]] = {
    **{kind.__name__: reader_target(kind) for kind in KINDS},
    **{kind.__name__: ndia_target(kind) for kind in NDIA_KINDS},
    "refusals": read_refusal,
    "letters": read_letters,
    "invoice file": read_invoices,
    "client file": read_clients,
    "planned services": read_planned,
    "provider file": read_provider,
    "ids file": read_id_list,
    "packed answers": read_packed,
    "personal data": read_personal_data,
    "interfaces file": read_interfaces,
    "description": read_description,
    "trial": examine,
    "backup": read_backup,
    "call": read_call,
    "stranger": read_stranger,
}
WHOLE = 16  # of the pieces: whole answers, files and headers


def make_backup() -> bytes:
    """A backup as a file has it; a restore would find nothing in it."""
    database = zstandard.compress(b"nothing")
    manifest = {
        "format": 1, "made_at": "2026-11-21T00:00:00Z", "version": "1", "engine": "sqlite",
        "database": {"tables": {}, "objects": {}, "migrations": []},
        "sha256": sha256(database).hexdigest(), "size": len(database),
    }  # fmt: skip
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        members = {"manifest.json": msgspec.json.encode(manifest), "database.sqlite3.zst": database}
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return written.getvalue()


# Where to begin: whole answers and files, and the odd pieces that hurt before.
PIECES: tuple[bytes, ...] = (
    b'[{"budgetId":"1","total":12.50,"endDate":"2026-09-30"}]', b'{"budgetId":"1","entitlements":[],"usage":[{}]}',
    b'{"careRecipientId":"4","classifications":[{"level":5}]}', b'{"code":"1","codeType":"DHSEIN","errors":[]}',
    b'{"success":true,"result":{"is_pace_plan":true},"errors":[]}', b'{"errors":[{"key":"a","value":1}]}',
    b'{"access_token":"x","expires_in":3600,"key_expiry":"2027-01-01T00:00:00Z","deviceStatus":"[ACTIVE]"}',
    b"invoice,line,care recipient id,service,date,quantity,price\n1,1,4,SERV-0001,2026-07-09,1,2.50\n",
    b'{"external_reference_id":"1","line_items":[{"external_reference_id":"1","care_recipient_id":"4","service_id":"S",'
    b'"delivery_date":"2026-07-09","quantity":"1.50","price_per_unit":"80.00"}]}',
    zlib.compress(b'[{"budgetId":"1"}]'), gzip.compress(b"[" * 20_000, mtime=0), b"1.2.3.4, [2001:db8::1]:80",
    b'{"clients":[{"careRecipientId":"4","firstName":"A","lastName":"B","birthDate":"1940-01-01"}]}',
    b'format = 1\n[services-australia.dates]\nformat = "dd/MM/yyyy"\n'
    b'[services-australia.members.Budget]\ntotal = "sum"\n',
    b'{"openapi":"3.0.0","servers":[{"url":"https://a/b"}],"paths":{"/a/{budgetId}":{"get":{"operationId":"1","responses":'
    b'{"200":{"content":{"application/json":{"schema":{"$ref":"#/a/b","type":"object","enum":[1],"maximum":9,"properties":'
    b'{"budgetId":{"type":"string"}}}}}}}}}},"a":{"b":{"type":"object"}}}',
    make_backup(),
    b'"total":', b'"amountUsed":', b"NaN", b"Infinity", b"1e400", b"1e1000001", b"-1e13", b"9" * 31,
    b'"\\u0000"', b'"\\ud800"',
    b'"0001-01-01"', b'"9999-12-31"', b"[" * 2000, b'{"a":' * 2000,
    b"]", b"}", b",", b":", b"[", b"{", b"null", b"true",
    b"\xff\xfe", b"\xef\xbb\xbf", b"\xe9", b"\x00", "²".encode(), b"\r", b"\n", b'"', b";", b"x" * 300,
)  # fmt: skip
