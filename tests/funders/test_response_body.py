"""Bodies: never more bytes than agreed, unpacked to their end, in a character set that they name and keep to."""

import asyncio
import gzip
import subprocess
import sys
import zlib
from dataclasses import replace

import pytest
from aiohttp import web

from carefund.funders.errors.access import NotPermitted
from carefund.funders.errors.answers import NotJson, TooLarge, WrongCharacters, WrongType
from carefund.funders.errors.configuring import WrongAddress
from carefund.funders.errors.outages import Incomplete, OutOfService
from carefund.funders.errors.people import NotFound
from carefund.funders.response_body import in_utf8
from carefund.funders.sessions import open_services_australia
from tests.funders.conftest import serving
from tests.funders.test_http import ask

pytestmark = pytest.mark.anyio
ROW = b'[{"budgetId":"1"}]'
MEGABYTE = 1024 * 1024


async def read(body=b"", headers=None, *, chunked=False, status=200, **timing):
    """What comes of one call that is answered so."""

    async def handler(request):
        if not chunked:
            return web.Response(body=body, status=status, headers=headers)
        answer = web.StreamResponse(status=status, headers=headers)
        await answer.prepare(request)
        for start in range(0, len(body), MEGABYTE):
            await answer.write(body[start : start + MEGABYTE])
        return answer

    return await ask(handler, lambda caller: caller.read("x", "/x"), attempts=1, **timing)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("status", [200, 404, 500])
async def test_more_bytes_than_agreed_are_refused_whatever_the_status(chunked, status):
    body = b"[" + b" " * (2 * MEGABYTE) + b"]"
    with pytest.raises(TooLarge, match="larger than 1 MB"):
        await read(body, chunked=chunked, status=status, largest_answer_mb=1)


async def test_as_many_bytes_as_agreed_are_read():
    body = b"[" + b" " * (MEGABYTE - 2) + b"]"
    for chunked in (False, True):
        assert (await read(body, chunked=chunked, largest_answer_mb=1)).body == body


async def test_more_values_than_agreed_are_refused():
    with pytest.raises(TooLarge, match="more values"):
        await read(b"[" + b"{}," * MEGABYTE + b"{}]", largest_answer_mb=4)


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("gzip", gzip.compress(ROW, mtime=0)),
        ("deflate", zlib.compress(ROW)),
        ("deflate", zlib.compress(ROW)[2:-4]),
        ("identity", ROW),
    ],
)
async def test_a_packed_answer_is_unpacked(name, packed):
    assert (await read(packed, {"Content-Encoding": name})).body == ROW


async def test_a_packed_answer_is_counted_unpacked():
    packed = gzip.compress(b" " * (20 * MEGABYTE))
    assert len(packed) < MEGABYTE
    with pytest.raises(TooLarge):
        await read(packed, {"Content-Encoding": "gzip"})


@pytest.mark.parametrize("cut", [4, 12, 20])
async def test_a_packed_answer_that_was_cut_is_incomplete_however_well_it_reads(cut):
    packed = gzip.compress(b"[]" + b" " * 1000)
    with pytest.raises(Incomplete):
        await read(packed[:-cut], {"Content-Encoding": "gzip"})


async def test_a_packed_answer_that_is_broken_is_incomplete():
    with pytest.raises(Incomplete):
        await read(b"\x1f\x8b\x08 no gzip at all", {"Content-Encoding": "gzip"})


@pytest.mark.parametrize(
    ("name", "body"),
    [("br", ROW), ("gzip", gzip.compress(ROW, mtime=0) + gzip.compress(ROW, mtime=0)), ("gzip, gzip", ROW)],
)
async def test_a_packing_that_nobody_asked_for_is_refused(name, body):
    with pytest.raises(NotJson):
        await read(body, {"Content-Encoding": name})


@pytest.mark.parametrize("charset", ["ISO-8859-1", "latin1", "windows-1252", '"iso-8859-15"', "utf-16", "UTF-16LE"])
async def test_letters_are_those_of_the_character_set_that_is_named(charset):
    text = '[{"careRecipientName": "Zoë Müller"}]'
    kind = {"Content-Type": f"application/json; charset={charset}"}
    assert (await read(text.encode(charset.strip('"')), kind)).body == text.encode()


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", "us-ascii", "iso-8859-1"])
async def test_plain_letters_are_the_same_in_all(charset):
    assert (await read(ROW, {"Content-Type": f"application/json;charset={charset}"})).body == ROW


@pytest.mark.parametrize(
    ("body", "declared"),
    [
        ("Zoë".encode(), "iso-8859-1"),  # UTF-8 by the look of it
        (b"Zo\x8b", "iso-8859-1"),  # a control character where a letter should be
        (b"Zo\xeb", "utf-7"),
        (b"+AGE-", "utf-7"),
        (b"Zo\xeb", "klingon"),
        (b"Zo\xeb", "base64"),
        (b"Zo\xeb", "utf-16"),
        (b"\x00\xd8\x00\x00", "utf-16le"),
    ],
)
def test_letters_that_do_not_fit_their_label_are_refused_in_one_sentence(body, declared):
    with pytest.raises(WrongCharacters) as caught:
        in_utf8(body, declared, "x")
    assert str(caught.value).count(".") == 1


async def test_latin_letters_without_a_label_are_refused(sandbox, configuration, store):
    async def handler(request):
        return web.Response(body='[{"budgetId": "1", "careRecipientName": "Zoë"}]'.encode("latin-1"))

    async with serving(handler) as url:
        configuration = replace(configuration, base_url=url)
        async with open_services_australia(configuration, store) as client:
            with pytest.raises(WrongCharacters):
                await client.fetch_budgets("400000001")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"body": b"[" + b" " * (17 * MEGABYTE) + b"]"}, TooLarge),
        ({"body": b"["}, Incomplete),
        ({"body": gzip.compress(b"[]", mtime=0)[:-8], "headers": {"Content-Encoding": "gzip"}}, Incomplete),
        ({"body": b'{"code":"1","codeType":"DHSE', "status": 404}, WrongAddress),
        ({"body": b'{"httpCode":"404","httpMessage":"Not Found"}', "status": 404}, WrongAddress),
        ({"body": b'{"code":"1","codeType":"DHSEIN"}', "status": 503}, OutOfService),
        ({"body": b'{"code":"1","codeType":"DHSEIN"}', "status": 403}, NotPermitted),
        ({"body": b""}, NotJson),
        ({"body": b"{}"}, WrongType),
        ({"body": b'{"code":"1","codeType":"DHSEIN"}', "status": 404}, NotFound),
        ({"body": b'{"code":"1","codeType":"DHSEIN"}', "status": 200}, NotFound),
        ({"body": b"[]"}, NotFound),
    ],
)
async def test_not_found_is_only_what_says_so(sandbox, configuration, store, answer, expected):
    async def handler(request):
        return web.Response(**answer)

    async with serving(handler) as url:
        configuration = replace(configuration, base_url=url, timing=replace(configuration.timing, attempts=1))
        async with open_services_australia(configuration, store) as client:
            with pytest.raises(expected) as caught:
                await client.fetch_care_recipient_summary("400000001")
    assert type(caught.value) is expected


_ASK = """
import asyncio, gc, sys
from pathlib import Path
from carefund.funders.configuration import configure
from carefund.funders.errors.root import FunderError
from carefund.funders.http import Caller, open_session
from carefund.funders.limiter import InMemoryLimiter
from carefund.funders.services_australia.client import ServicesAustralia

class Token:
    def current(self): return "token"
    async def fetch_token(self, refused=""): return "token"

def memory(name):  # of this program alone: getrusage also counts what the process was before it
    return int(next(line for line in Path("/proc/self/status").read_text().splitlines() if name in line).split()[1])

def now():
    return memory("VmRSS")

async def main():
    patience = {"attempts": 1, "timeout_seconds": 300}
    configuration = configure("services-australia", base_url=sys.argv[1], timing=patience)
    async with open_session(configuration.timing) as session:
        client = ServicesAustralia(Caller(session, configuration, Token(), InMemoryLimiter(0)), configuration)
        before = now()
        for call in (client.fetch_care_recipient_summary, client.fetch_budgets, client.fetch_budget_details):
            try:
                await call(sys.argv[2])
                code = "read"
            except FunderError as problem:
                code = problem.code
            print(code, end=" ")
        gc.collect()
        peak = memory("VmHWM")
        print((peak - before) // 1024, (now() - before) // 1024)

asyncio.run(main())
"""


async def _heavy(request):
    """What no sandbox would send: by the id that was asked for."""
    kind = (
        request.path.rpartition("/")[0].rpartition("/")[2]
        if "summary" in request.path
        else request.path.rpartition("/")[2]
    )
    answer = web.StreamResponse()
    if kind == "bomb":
        packer = zlib.compressobj(9, wbits=31)
        block = b" " * MEGABYTE
        answer.headers["Content-Encoding"] = "gzip"
        await answer.prepare(request)
        for _ in range(2048):
            await answer.write(packer.compress(block))
    elif kind == "body":
        await answer.prepare(request)
        for _ in range(500):
            await answer.write(b" " * MEGABYTE)
    elif kind == "values":
        await answer.prepare(request)
        await answer.write(b"[" + b"{}," * (5 * MEGABYTE) + b"{}]")
    elif kind == "texts":
        await answer.prepare(request)
        row = b'{"budgetId":"1","careRecipientId":"' + b"x" * (15 * MEGABYTE) + b'"}'
        await answer.write(row)
    elif kind == "pages":
        page = int(request.query.get("page", "1"))
        row = '{{"budgetId":"{:06d}{:06d}","careRecipientName":"{}","total":12345.67}}'
        rows = ",".join(row.format(page, number, "n" * 200) for number in range(1000))
        return web.Response(text=f"[{rows}]")
    return answer


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        ("bomb", ["too-large", "too-large", "too-large"]),
        ("body", ["too-large", "too-large", "too-large"]),
        ("values", ["too-large", "too-large", "too-large"]),
        ("texts", ["impossible-value", "impossible-value", "impossible-value"]),
        ("pages", ["wrong-type", "too-large", "wrong-type"]),
    ],
)
async def test_memory_stays_bounded_and_returns_whatever_is_sent(kind, codes):
    async with serving(_heavy) as url:
        command = [sys.executable, "-c", _ASK, url, kind]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        out, _ = await process.communicate()
    *told, peak, left = out.decode().split()
    assert told == codes
    assert int(peak) < 160  # megabytes; without limits the first two took 1,000 to 2,000
    assert int(left) < 60
