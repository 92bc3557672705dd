"""The PRODA device of this installation: its keys and tokens (encrypted) and when they expire (in the clear).

Read and written through records/device_keys.py alone.
"""

from django.db import models


class ProdaDevice(models.Model):
    """One B2B device of one organisation. `secrets` is one encrypted document of keys and access tokens.

    `lease_holder` and `lease_until` say which process may change the row just now: a lease instead of a lock, because
    no transaction may stay open while PRODA is asked.
    """

    environment = models.CharField(max_length=20)
    organisation_id = models.CharField(max_length=20)
    device_name = models.CharField(max_length=120)
    status = models.CharField(max_length=40, blank=True)
    secrets = models.BinaryField(default=bytes)
    activated_at = models.DateTimeField(null=True)
    refreshed_at = models.DateTimeField(null=True, help_text="Since when the current key is in use.")
    key_expires_at = models.DateTimeField(null=True)
    device_expires_at = models.DateTimeField(null=True)
    lease_holder = models.CharField(max_length=40, blank=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("environment", "organisation_id", "device_name"), name="proda_device_one_per_name"
            )
        ]

    def __str__(self) -> str:
        return f"PRODA device {self.pk}"
