import uuid

import django.contrib.auth.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import accounts.secrets
import accounts.validators


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "hex_id",
                    models.CharField(
                        default=accounts.secrets.generate_hex_id,
                        editable=False,
                        max_length=24,
                        unique=True,
                    ),
                ),
                (
                    "external_id",
                    models.CharField(blank=True, max_length=255, null=True, unique=True),
                ),
                (
                    "username",
                    models.CharField(
                        max_length=150,
                        unique=True,
                        validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=255)),
                ("email", models.EmailField(blank=True, db_index=True, max_length=254)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("internal", "Internal"),
                            ("external", "External"),
                            ("service_account", "Service Account"),
                            ("internal_service_account", "Internal Service Account"),
                        ],
                        default="internal",
                        max_length=32,
                    ),
                ),
                (
                    "path",
                    models.CharField(
                        default="users",
                        max_length=512,
                        validators=[accounts.validators.validate_path],
                    ),
                ),
                ("attributes", models.JSONField(blank=True, default=dict)),
                ("date_joined", models.DateTimeField(default=django.utils.timezone.now)),
                ("last_updated", models.DateTimeField(auto_now=True)),
                ("password_change_date", models.DateTimeField(default=django.utils.timezone.now)),
                ("sessions_ended", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "verbose_name": "User",
                "verbose_name_plural": "Users",
                "permissions": [
                    ("reset_user_password", "Reset Password"),
                    ("impersonate", "Can impersonate other users"),
                    ("assign_user_permissions", "Can assign permissions to users"),
                    ("unassign_user_permissions", "Can unassign permissions from users"),
                    ("preview_user", "Can preview user data sent to providers"),
                    ("view_user_applications", "View applications the user has access to"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Group",
            fields=[
                (
                    "group_uuid",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "hex_id",
                    models.CharField(
                        default=accounts.secrets.generate_hex_id,
                        editable=False,
                        max_length=24,
                        unique=True,
                    ),
                ),
                ("name", models.CharField(max_length=255, unique=True)),
                ("display_name", models.CharField(blank=True, max_length=255)),
                ("description", models.CharField(blank=True, max_length=512)),
                (
                    "kind",
                    models.CharField(
                        choices=[("group", "Group"), ("department", "Department")],
                        default="group",
                        max_length=16,
                    ),
                ),
                ("code", models.CharField(blank=True, max_length=64, null=True)),
                ("organization", models.CharField(blank=True, max_length=64)),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Members, and members of groups below, may do everything.",
                    ),
                ),
                ("attributes", models.JSONField(blank=True, default=dict)),
            ],
            options={
                "verbose_name": "Group",
                "verbose_name_plural": "Groups",
                "permissions": [
                    ("add_user_to_group", "Add user to group"),
                    ("remove_user_from_group", "Remove user from group"),
                    ("enable_group_superuser", "Enable superuser status"),
                    ("disable_group_superuser", "Disable superuser status"),
                ],
            },
        ),
        migrations.CreateModel(
            name="GroupMembership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("valid_from", models.DateTimeField(blank=True, null=True)),
                ("valid_until", models.DateTimeField(blank=True, null=True)),
                ("created", models.DateTimeField(auto_now_add=True)),
                (
                    "granted_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="authentik_core.group",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
            ],
        ),
        migrations.AddField(
            model_name="group",
            name="users",
            field=models.ManyToManyField(
                related_name="groups",
                through="authentik_core.GroupMembership",
                through_fields=("group", "user"),
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.CreateModel(
            name="GroupParent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "child",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parent_rows",
                        to="authentik_core.group",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="child_rows",
                        to="authentik_core.group",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="group",
            name="parents",
            field=models.ManyToManyField(
                related_name="children",
                through="authentik_core.GroupParent",
                through_fields=("child", "parent"),
                to="authentik_core.group",
            ),
        ),
        migrations.CreateModel(
            name="SignIn",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("key_digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("expires", models.DateTimeField(db_index=True)),
                ("password_proved", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sign_ins",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "Sign-in",
                "verbose_name_plural": "Sign-ins",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Token",
            fields=[
                (
                    "token_uuid",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("identifier", models.SlugField(max_length=255, unique=True)),
                (
                    "intent",
                    models.CharField(
                        choices=[
                            ("verification", "Verification"),
                            ("api", "Api"),
                            ("recovery", "Recovery"),
                            ("app_password", "App Password"),
                        ],
                        default="api",
                        max_length=16,
                    ),
                ),
                ("key_digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("key_sealed", models.TextField(editable=False)),
                ("description", models.TextField(blank=True)),
                ("expires", models.DateTimeField(blank=True, null=True)),
                ("expiring", models.BooleanField(default=True)),
                ("managed", models.CharField(blank=True, max_length=255, null=True, unique=True)),
                ("permissions", models.JSONField(blank=True, default=None, null=True)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("last_used", models.DateTimeField(editable=False, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tokens",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "Token",
                "verbose_name_plural": "Tokens",
                "permissions": [
                    ("view_token_key", "View token's key"),
                    ("set_token_key", "Set a token's key"),
                ],
            },
        ),
        migrations.CreateModel(
            name="GroupClosure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "ancestor",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="descendant_rows",
                        to="authentik_core.group",
                    ),
                ),
                (
                    "descendant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="ancestor_rows",
                        to="authentik_core.group",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["ancestor", "descendant"], name="closure_by_ancestor")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("descendant", "ancestor"), name="closure_unique"
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="groupmembership",
            index=models.Index(fields=["group", "user"], name="membership_by_group"),
        ),
        migrations.AddConstraint(
            model_name="groupmembership",
            constraint=models.UniqueConstraint(fields=("user", "group"), name="membership_unique"),
        ),
        migrations.AddIndex(
            model_name="groupparent",
            index=models.Index(fields=["parent", "child"], name="parent_by_parent"),
        ),
        migrations.AddConstraint(
            model_name="groupparent",
            constraint=models.UniqueConstraint(fields=("child", "parent"), name="parent_unique"),
        ),
        migrations.AddIndex(
            model_name="group",
            index=models.Index(
                condition=models.Q(("is_superuser", True)),
                fields=["group_uuid"],
                name="group_superuser",
            ),
        ),
        migrations.AddConstraint(
            model_name="group",
            constraint=models.UniqueConstraint(
                condition=models.Q(("code__isnull", False)),
                fields=("organization", "kind", "code"),
                name="group_code_unique",
            ),
        ),
        migrations.AddIndex(
            model_name="groupmembership",
            index=models.Index(
                condition=models.Q(("valid_from__isnull", False)),
                fields=["valid_from"],
                name="membership_begins",
            ),
        ),
        migrations.AddIndex(
            model_name="groupmembership",
            index=models.Index(
                condition=models.Q(("valid_until__isnull", False)),
                fields=["valid_until"],
                name="membership_ends",
            ),
        ),
    ]
