"""Downloads of tables, streamed."""

from collections.abc import Iterable

from django.http import StreamingHttpResponse

from carefund.records.table_files import MEDIA_TYPES, encode_csv


def stream_csv(lines: Iterable[Iterable[object]], file_name: str) -> StreamingHttpResponse:
    """Return a download of these lines, the first of them the headings."""
    response = StreamingHttpResponse(encode_csv(lines), content_type=MEDIA_TYPES["csv"])
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response
