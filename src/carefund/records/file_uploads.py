"""A file between its preview and its loading: kept as received, so what was seen is what is loaded."""

from django.contrib.auth.models import User
from django.utils import timezone

from carefund.records.models import FileUpload
from carefund.records.not_found import find_one

INVOICES, CLIENTS = "invoices", "clients"


def store_upload(kind: str, name: str, content: bytes, user: User | None = None) -> FileUpload:
    """Keep a file for its preview. Files of the same kind and person that were never loaded are dropped."""
    FileUpload.objects.filter(kind=kind, created_by=user, loaded_at__isnull=True).delete()
    return FileUpload.objects.create(kind=kind, name=name[:200], content=content, created_by=user)


def find_upload(kind: str, number: int) -> FileUpload:
    """A kept file by its number. Raises NotHere."""
    return find_one(FileUpload.objects.filter(kind=kind, pk=number))


def mark_as_loaded(upload: FileUpload) -> bool:
    """Note that everything in a file was stored, and forget what was in it; False if somebody else did."""
    waiting = FileUpload.objects.filter(pk=upload.pk, loaded_at__isnull=True)
    return waiting.update(loaded_at=timezone.now(), content=b"") == 1
