"""Files that people bring, between preview and import."""

from django.conf import settings
from django.db import models


class FileUpload(models.Model):
    """A file of invoice lines or clients, kept from its preview until it is loaded or replaced. `content` is as
    received."""

    kind = models.CharField(max_length=10, default="invoices")
    name = models.CharField(max_length=200)
    content = models.BinaryField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    loaded_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"file upload {self.pk}"
