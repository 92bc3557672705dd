"""A file of invoice lines that is kept between its preview and its loading."""

from carefund.domain.claims.invoice_file import read_invoice_file
from carefund.domain.csv_tables import UnreadableFile
from carefund.records.claims.invoices import AlreadyBrought, ImportPlan, plan_import, store_import
from carefund.records.file_uploads import mark_as_loaded
from carefund.records.models import FileUpload

LARGEST_FILE = 64 * 1024 * 1024


class NotLoadable(Exception):
    """The file has rows that are wrong, or was loaded before; nothing was stored."""


def plan_file(content: bytes) -> ImportPlan:
    """What a file would add, and every row that is wrong. Raises UnreadableFile."""
    if len(content) > LARGEST_FILE:
        raise UnreadableFile("The file is larger than 64 MB. Split it into smaller files.")
    found = read_invoice_file(content)
    return plan_import(found.rows, found.problems, found.problem_count)


def plan_upload(upload: FileUpload) -> ImportPlan:
    """As `plan_file`, of a kept file, as things stand now."""
    return plan_file(bytes(upload.content))


def load_upload(upload: FileUpload) -> int:
    """Store everything in a kept file; gives the number of new lines. Raises NotLoadable for a bad one."""
    if upload.loaded_at is not None:
        raise NotLoadable("This file has already been imported.")
    plan = plan_upload(upload)
    if not plan.is_loadable:
        raise NotLoadable("Some rows have problems. Nothing was imported.")
    try:
        lines = store_import(plan)
    except AlreadyBrought:
        raise NotLoadable(
            "Someone else has imported some of these lines since the preview. Preview the import again."
        ) from None
    mark_as_loaded(upload)
    return lines
