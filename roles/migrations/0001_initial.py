import uuid

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import accounts.secrets
import roles.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("authentik_core", "0001_initial"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SystemPermission",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
            ],
            options={
                "verbose_name": "System permission",
                "verbose_name_plural": "System permissions",
                "permissions": [
                    ("view_system_info", "Can view system info"),
                    ("access_admin_interface", "Can access admin interface"),
                    ("view_system_settings", "Can view system settings"),
                    ("edit_system_settings", "Can edit system settings"),
                    ("view_media_files", "Can view media files"),
                    ("manage_media_files", "Can manage media files"),
                    ("escalate", "Can grant what it does not hold itself"),
                    ("check_access", "Can ask for decisions about any subject"),
                ],
                "managed": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Namespace",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "code",
                    models.CharField(
                        max_length=64,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z0-9_-]+\\Z",
                                "Only letters, digits, hyphens and underscores are allowed.",
                            )
                        ],
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                ("description", models.CharField(blank=True, max_length=200)),
                ("is_enabled", models.BooleanField(default=True)),
                ("built_in", models.BooleanField(default=False, editable=False)),
            ],
            options={
                "verbose_name": "Namespace",
                "verbose_name_plural": "Namespaces",
            },
        ),
        migrations.CreateModel(
            name="Role",
            fields=[
                (
                    "uuid",
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
                ("name", models.CharField(max_length=150, unique=True)),
                (
                    "code",
                    models.CharField(
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[A-Za-z0-9_-]+\\Z",
                                "Only letters, digits, hyphens and underscores are allowed.",
                            )
                        ],
                    ),
                ),
                ("display_name", models.CharField(blank=True, max_length=255)),
                ("description", models.CharField(blank=True, max_length=512)),
                (
                    "is_enabled",
                    models.BooleanField(default=True, help_text="A disabled role gives nothing."),
                ),
                (
                    "disabled_from",
                    models.DateTimeField(
                        blank=True,
                        help_text="The role gives nothing from this moment on.",
                        null=True,
                    ),
                ),
                ("managed", models.CharField(blank=True, max_length=255, null=True, unique=True)),
                ("built_in", models.BooleanField(default=False, editable=False)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("last_updated", models.DateTimeField(auto_now=True)),
                (
                    "namespace",
                    models.ForeignKey(
                        default=roles.models.default_namespace,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="roles",
                        to="authentik_rbac.namespace",
                    ),
                ),
            ],
            options={
                "verbose_name": "Role",
                "verbose_name_plural": "Roles",
                "permissions": [
                    ("assign_role_permissions", "Can assign permissions to users"),
                    ("unassign_role_permissions", "Can unassign permissions from users"),
                ],
            },
        ),
        migrations.CreateModel(
            name="InitialPermissions",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=150, unique=True)),
                (
                    "mode",
                    models.CharField(
                        choices=[("user", "User"), ("role", "Role")], default="role", max_length=8
                    ),
                ),
                (
                    "permissions",
                    models.ManyToManyField(blank=True, related_name="+", to="auth.permission"),
                ),
                (
                    "role",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="initial_permissions",
                        to="authentik_rbac.role",
                    ),
                ),
            ],
            options={
                "verbose_name": "Initial Permissions",
                "verbose_name_plural": "Initial Permissions",
            },
        ),
        migrations.CreateModel(
            name="Scope",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=255, null=True, unique=True)),
                ("description", models.CharField(blank=True, max_length=512)),
                (
                    "kind",
                    models.CharField(
                        choices=[("all", "All"), ("nothing", "Nothing"), ("selected", "Selected")],
                        default="selected",
                        max_length=16,
                    ),
                ),
                ("built_in", models.BooleanField(default=False, editable=False)),
                ("properties", models.JSONField(blank=True, default=dict)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("last_modified", models.DateTimeField(auto_now=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "last_modified_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "Scope",
                "verbose_name_plural": "Scopes",
            },
        ),
        migrations.CreateModel(
            name="RoleAssignment",
            fields=[
                ("valid_from", models.DateTimeField(blank=True, null=True)),
                ("valid_until", models.DateTimeField(blank=True, null=True)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("properties", models.JSONField(blank=True, default=dict)),
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
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="role_assignments",
                        to="authentik_core.group",
                    ),
                ),
                (
                    "holder_role",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="Whoever holds this role holds the assigned role too.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="inherited_assignments",
                        to="authentik_rbac.role",
                    ),
                ),
                (
                    "role",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="assignments",
                        to="authentik_rbac.role",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="role_assignments",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "scope",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assignments",
                        to="authentik_rbac.scope",
                    ),
                ),
            ],
            options={
                "verbose_name": "Role assignment",
                "verbose_name_plural": "Role assignments",
            },
        ),
        migrations.CreateModel(
            name="ScopeEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("object_pk", models.CharField(blank=True, max_length=255, null=True)),
                ("with_descendants", models.BooleanField(default=False)),
                (
                    "content_type",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="contenttypes.contenttype",
                    ),
                ),
                (
                    "scope",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="entries",
                        to="authentik_rbac.scope",
                    ),
                ),
            ],
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
        migrations.AddIndex(
            model_name="role",
            index=models.Index(
                condition=models.Q(("built_in", True)), fields=["uuid"], name="role_built_in"
            ),
        ),
        migrations.AddConstraint(
            model_name="role",
            constraint=models.UniqueConstraint(
                fields=("namespace", "code"), name="role_code_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="roleassignment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("user__isnull", False),
                        models.Q(("group__isnull", False), _negated=True),
                        models.Q(("holder_role__isnull", False), _negated=True),
                    ),
                    models.Q(
                        models.Q(("user__isnull", False), _negated=True),
                        ("group__isnull", False),
                        models.Q(("holder_role__isnull", False), _negated=True),
                    ),
                    models.Q(
                        models.Q(("user__isnull", False), _negated=True),
                        models.Q(("group__isnull", False), _negated=True),
                        ("holder_role__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="assignment_one_principal",
            ),
        ),
        migrations.AddConstraint(
            model_name="roleassignment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("user__isnull", False), ("scope__isnull", True)),
                fields=("user", "role"),
                name="assignment_user_unscoped",
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
                condition=models.Q(("group__isnull", False), ("scope__isnull", True)),
                fields=("group", "role"),
                name="assignment_group_unscoped",
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
                condition=models.Q(("holder_role__isnull", False), ("scope__isnull", True)),
                fields=("holder_role", "role"),
                name="assignment_holder_role_unscoped",
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
        migrations.AddIndex(
            model_name="scopeentry",
            index=models.Index(
                fields=["content_type", "object_pk"], name="scope_entry_by_resource"
            ),
        ),
        migrations.AddConstraint(
            model_name="scopeentry",
            constraint=models.UniqueConstraint(
                fields=("scope", "content_type", "object_pk"), name="scope_entry_unique"
            ),
        ),
        migrations.AddIndex(
            model_name="roleassignment",
            index=models.Index(
                condition=models.Q(("valid_from__isnull", False)),
                fields=["valid_from"],
                name="assignment_begins",
            ),
        ),
        migrations.AddIndex(
            model_name="roleassignment",
            index=models.Index(
                condition=models.Q(("valid_until__isnull", False)),
                fields=["valid_until"],
                name="assignment_ends",
            ),
        ),
    ]
