from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("authentik_core", "0001_initial"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="group",
            index=models.Index(
                condition=models.Q(("is_superuser", True)),
                fields=["group_uuid"],
                name="group_superuser",
            ),
        ),
    ]
