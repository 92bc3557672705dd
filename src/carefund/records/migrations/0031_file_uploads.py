from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('records', '0030_entered_rates'),
    ]

    operations = [
        migrations.RenameModel(old_name='InvoiceUpload', new_name='FileUpload'),
        migrations.AddField(
            model_name='fileupload',
            name='kind',
            field=models.CharField(default='invoices', max_length=10),
        ),
    ]
