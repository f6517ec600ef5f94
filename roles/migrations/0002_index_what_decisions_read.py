from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("authentik_core", "0002_index_what_decisions_read"),
        ("authentik_rbac", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="roleassignment",
            name="assignment_user_scoped",
        ),
        migrations.RemoveConstraint(
            model_name="roleassignment",
            name="assignment_group_scoped",
        ),
        migrations.RemoveConstraint(
            model_name="roleassignment",
            name="assignment_holder_role_scoped",
        ),
        migrations.AddIndex(
            model_name="role",
            index=models.Index(
                condition=models.Q(
                    ("is_enabled", False), ("disabled_from__isnull", False), _connector="OR"
                ),
                fields=["uuid"],
                name="role_disabled",
            ),
        ),
        migrations.AddConstraint(
            model_name="roleassignment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("user__isnull", False)),
                fields=("user", "role", "scope"),
                name="assignment_user_scoped",
            ),
        ),
        migrations.AddConstraint(
            model_name="roleassignment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("group__isnull", False)),
                fields=("group", "role", "scope"),
                name="assignment_group_scoped",
            ),
        ),
        migrations.AddConstraint(
            model_name="roleassignment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("holder_role__isnull", False)),
                fields=("holder_role", "role", "scope"),
                name="assignment_holder_role_scoped",
            ),
        ),
    ]
