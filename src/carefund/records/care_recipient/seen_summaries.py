"""What the bytes of clients' summaries said when they were last read in a list, so that equal bytes are not read again.

It is true of those bytes whatever else happens, and may be lost at any time. Source: rule SYNC-19.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256

from carefund.records import synced_tables
from carefund.records.models import SurveyMark

_AT_ONCE = 2000
_HOW, _HOW_AND_ONE, _HOW_AND_TWO = 8, 40, 72  # where the parts of the text end


def find_seen_summaries(as_read: str, client_ids: Mapping[str, int]) -> dict[int, tuple[int, int]]:
    """What the bytes of summaries said in earlier surveys, as (our key, digest) by the digest of the bytes: of those
    that were read as they are now, and that name whom the client stands for today."""
    found = {}
    marks = SurveyMark.objects.filter(seen_summary__startswith=_shorten(as_read)).order_by()
    for client_id, text in marks.values_list("client_id", "seen_summary").iterator(chunk_size=_AT_ONCE):
        fingerprint, digest, number = text[_HOW:_HOW_AND_ONE], text[_HOW_AND_ONE:_HOW_AND_TWO], text[_HOW_AND_TWO:]
        if client_ids.get(number) == client_id:
            found[int(fingerprint, 16)] = client_id, int(digest, 16)
    return found


def store_seen_summaries(as_read: str, seen: Sequence[tuple[int, str, int, int]]) -> None:
    """Keep what summaries were read as: our key, care recipient id, digest of the bytes, digest of what they say.
    Whoever has no mark is left out."""
    how = _shorten(as_read)
    rows = [
        (f"{how}{fingerprint:032x}{digest:032x}{number}", client_id) for client_id, number, fingerprint, digest in seen
    ]
    synced_tables.plan_by_index()
    synced_tables.update(SurveyMark, ("seen_summary",), rows)


def _shorten(as_read: str) -> str:
    return sha256(as_read.encode()).hexdigest()[:_HOW]
