import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("authentik_rbac", "0001_initial"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ResourceType",
            fields=[
                (
                    "content_type",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="resource_type",
                        serialize=False,
                        to="contenttypes.contenttype",
                    ),
                ),
                (
                    "name",
                    models.CharField(blank=True, max_length=255, null=True, unique=True),
                ),
                ("app_verbose_name", models.CharField(max_length=255)),
                ("verbose_name", models.CharField(max_length=255)),
                ("verbose_name_plural", models.CharField(blank=True, max_length=255)),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("strict", "Only registered resources can be named"),
                            ("open", "Any resource can be named"),
                        ],
                        default="strict",
                        max_length=8,
                    ),
                ),
                ("was_open", models.BooleanField(default=False, editable=False)),
                ("built_in", models.BooleanField(default=False, editable=False)),
                ("properties", models.JSONField(blank=True, default=dict)),
                ("created", models.DateTimeField(auto_now_add=True)),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="permissions.resourcetype",
                    ),
                ),
            ],
            options={
                "verbose_name": "Resource type",
                "verbose_name_plural": "Resource types",
            },
        ),
        migrations.CreateModel(
            name="RetiredName",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("label", models.CharField(max_length=201)),
                ("object_pk", models.CharField(blank=True, max_length=255)),
                (
                    "type",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="permissions.resourcetype",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("label", "object_pk"), name="retired_name_unique"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Resource",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("object_pk", models.CharField(max_length=255)),
                ("name", models.CharField(blank=True, max_length=255)),
                ("properties", models.JSONField(blank=True, default=dict)),
                ("created", models.DateTimeField(auto_now_add=True)),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="children",
                        to="permissions.resource",
                    ),
                ),
                (
                    "type",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="resources",
                        to="permissions.resourcetype",
                    ),
                ),
            ],
            options={
                "verbose_name": "Resource",
                "verbose_name_plural": "Resources",
            },
        ),
        migrations.CreateModel(
            name="RoleGlobalGrant",
            fields=[
                ("valid_from", models.DateTimeField(blank=True, null=True)),
                ("valid_until", models.DateTimeField(blank=True, null=True)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
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
                    "permission",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="auth.permission",
                    ),
                ),
                (
                    "role",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="global_grants",
                        to="authentik_rbac.role",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RoleObjectPermission",
            fields=[
                ("valid_from", models.DateTimeField(blank=True, null=True)),
                ("valid_until", models.DateTimeField(blank=True, null=True)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("object_pk", models.CharField(max_length=255)),
                (
                    "content_type",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="contenttypes.contenttype",
                    ),
                ),
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
                        related_name="object_grants",
                        to="authentik_rbac.role",
                    ),
                ),
                (
                    "permission",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="auth.permission",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="UserGlobalGrant",
            fields=[
                ("valid_from", models.DateTimeField(blank=True, null=True)),
                ("valid_until", models.DateTimeField(blank=True, null=True)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
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
                    "permission",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="auth.permission",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="global_grants",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="UserObjectPermission",
            fields=[
                ("valid_from", models.DateTimeField(blank=True, null=True)),
                ("valid_until", models.DateTimeField(blank=True, null=True)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("object_pk", models.CharField(max_length=255)),
                (
                    "content_type",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="contenttypes.contenttype",
                    ),
                ),
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
                    "permission",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="auth.permission",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="object_grants",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ResourceClosure",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "ancestor",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="descendant_rows",
                        to="permissions.resource",
                    ),
                ),
                (
                    "descendant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="ancestor_rows",
                        to="permissions.resource",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["ancestor", "descendant"], name="resource_closure_by_anc")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("descendant", "ancestor"), name="resource_closure_unique"
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="resource",
            constraint=models.UniqueConstraint(
                fields=("type", "object_pk"), name="resource_unique"
            ),
        ),
        migrations.AddIndex(
            model_name="roleglobalgrant",
            index=models.Index(fields=["permission", "role"], name="role_global_by_perm"),
        ),
        migrations.AddConstraint(
            model_name="roleglobalgrant",
            constraint=models.UniqueConstraint(
                fields=("role", "permission"), name="role_global_unique"
            ),
        ),
        migrations.AddIndex(
            model_name="roleobjectpermission",
            index=models.Index(
                fields=["permission", "object_pk", "group"], name="role_object_by_object"
            ),
        ),
        migrations.AddIndex(
            model_name="roleobjectpermission",
            index=models.Index(fields=["permission", "group"], name="role_object_by_grantee"),
        ),
        migrations.AddConstraint(
            model_name="roleobjectpermission",
            constraint=models.UniqueConstraint(
                fields=("group", "permission", "object_pk"), name="role_object_unique"
            ),
        ),
        migrations.AddIndex(
            model_name="userglobalgrant",
            index=models.Index(fields=["permission", "user"], name="user_global_by_perm"),
        ),
        migrations.AddConstraint(
            model_name="userglobalgrant",
            constraint=models.UniqueConstraint(
                fields=("user", "permission"), name="user_global_unique"
            ),
        ),
        migrations.AddIndex(
            model_name="userobjectpermission",
            index=models.Index(
                fields=["permission", "object_pk", "user"], name="user_object_by_object"
            ),
        ),
        migrations.AddIndex(
            model_name="userobjectpermission",
            index=models.Index(fields=["permission", "user"], name="user_object_by_grantee"),
        ),
        migrations.AddConstraint(
            model_name="userobjectpermission",
            constraint=models.UniqueConstraint(
                fields=("user", "permission", "object_pk"), name="user_object_unique"
            ),
        ),
        migrations.AddIndex(
            model_name="roleglobalgrant",
            index=models.Index(
                condition=models.Q(("valid_from__isnull", False)),
                fields=["valid_from"],
                name="role_global_begins",
            ),
        ),
        migrations.AddIndex(
            model_name="roleglobalgrant",
            index=models.Index(
                condition=models.Q(("valid_until__isnull", False)),
                fields=["valid_until"],
                name="role_global_ends",
            ),
        ),
        migrations.AddIndex(
            model_name="roleobjectpermission",
            index=models.Index(
                condition=models.Q(("valid_from__isnull", False)),
                fields=["valid_from"],
                name="role_object_begins",
            ),
        ),
        migrations.AddIndex(
            model_name="roleobjectpermission",
            index=models.Index(
                condition=models.Q(("valid_until__isnull", False)),
                fields=["valid_until"],
                name="role_object_ends",
            ),
        ),
        migrations.AddIndex(
            model_name="userglobalgrant",
            index=models.Index(
                condition=models.Q(("valid_from__isnull", False)),
                fields=["valid_from"],
                name="user_global_begins",
            ),
        ),
        migrations.AddIndex(
            model_name="userglobalgrant",
            index=models.Index(
                condition=models.Q(("valid_until__isnull", False)),
                fields=["valid_until"],
                name="user_global_ends",
            ),
        ),
        migrations.AddIndex(
            model_name="userobjectpermission",
            index=models.Index(
                condition=models.Q(("valid_from__isnull", False)),
                fields=["valid_from"],
                name="user_object_begins",
            ),
        ),
        migrations.AddIndex(
            model_name="userobjectpermission",
            index=models.Index(
                condition=models.Q(("valid_until__isnull", False)),
                fields=["valid_until"],
                name="user_object_ends",
            ),
        ),
    ]
