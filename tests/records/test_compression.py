"""What is kept small comes back as it was, from as many threads at once as there are."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import zstandard

from carefund.records.compression import compress, decompress

pytestmark = pytest.mark.one_database


@pytest.mark.parametrize("body", [b"", b"{}", b"amount 12.50 " * 5000])
def test_what_was_compressed_comes_back(body: bytes) -> None:
    assert decompress(compress(body)) == body


def test_threads_do_not_disturb_one_another() -> None:
    bodies = [f"answer {number} ".encode() * 3000 for number in range(400)]
    with ThreadPoolExecutor(8) as threads:
        small = list(threads.map(compress, bodies))
        assert list(threads.map(decompress, small)) == bodies


def test_damage_is_noticed() -> None:
    with pytest.raises(zstandard.ZstdError):
        decompress(b"no such thing")
