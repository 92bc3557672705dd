"""Second factors move to a table of our own, in which their secrets are encrypted."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from carefund.records.encryption import Cipher

KEPT = ("user_id", "name", "confirmed", "drift", "last_t", "last_used_at",
        "throttling_failure_timestamp", "throttling_failure_count")


def encrypt(apps, schema_editor):
    """Move each device; on SQLite, overwrite what is freed, so that no secret stays readable in the file."""
    old, new = apps.get_model("otp_totp", "TOTPDevice"), apps.get_model("access", "Authenticator")
    devices = list(old.objects.all())
    if not devices:
        return
    cipher = Cipher(settings.ENCRYPTION_KEYS)
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("PRAGMA secure_delete = ON")
    new.objects.bulk_create(
        new(encrypted_secret=cipher.encrypt(bytes.fromhex(device.key)), **{name: getattr(device, name) for name in KEPT})
        for device in devices
    )
    old.objects.all().delete()


def decrypt(apps, schema_editor):
    """Move them back."""
    old, new = apps.get_model("otp_totp", "TOTPDevice"), apps.get_model("access", "Authenticator")
    devices = list(new.objects.all())
    cipher = Cipher(settings.ENCRYPTION_KEYS) if devices else None
    old.objects.bulk_create(
        old(key=cipher.decrypt(bytes(device.encrypted_secret)).hex(), **{name: getattr(device, name) for name in KEPT})
        for device in devices
    )
    new.objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [
        ('access', '0003_token_expiry'),
        ('otp_totp', '0003_add_timestamps'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Authenticator',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='The human-readable name of this device.', max_length=64)),
                ('confirmed', models.BooleanField(default=True, help_text='Is this device ready for use?')),
                ('throttling_failure_timestamp', models.DateTimeField(blank=True, default=None, help_text='A timestamp of the last failed verification attempt. Null if last attempt succeeded.', null=True)),
                ('throttling_failure_count', models.PositiveIntegerField(default=0, help_text='Number of successive failed attempts.')),
                ('created_at', models.DateTimeField(auto_now_add=True, help_text='The date and time when this device was initially created in the system.', null=True)),
                ('last_used_at', models.DateTimeField(blank=True, help_text='The most recent date and time this device was used.', null=True)),
                ('encrypted_secret', models.BinaryField()),
                ('drift', models.SmallIntegerField(default=0, help_text="Steps by which the app's clock was ahead.")),
                ('last_t', models.BigIntegerField(default=-1, help_text='The step of the last code that was used; none is used twice.')),
                ('user', models.ForeignKey(help_text='The user that this device belongs to.', on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'authenticator app',
            },
        ),
        migrations.RunPython(encrypt, decrypt),
    ]
