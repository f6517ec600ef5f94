from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("created", models.DateTimeField(auto_now_add=True, db_index=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("user_created", "User Created"),
                            ("user_changed", "User Changed"),
                            ("user_deleted", "User Deleted"),
                            ("password_set", "Password Set"),
                            ("logged_in", "Logged In"),
                            ("logged_out", "Logged Out"),
                            ("group_created", "Group Created"),
                            ("group_changed", "Group Changed"),
                            ("group_deleted", "Group Deleted"),
                            ("group_member_added", "Group Member Added"),
                            ("group_membership_changed", "Group Membership Changed"),
                            ("group_member_removed", "Group Member Removed"),
                            ("group_parent_added", "Group Parent Added"),
                            ("group_parent_removed", "Group Parent Removed"),
                            ("token_created", "Token Created"),
                            ("token_changed", "Token Changed"),
                            ("token_deleted", "Token Deleted"),
                            ("token_key_viewed", "Token Key Viewed"),
                            ("token_key_set", "Token Key Set"),
                            ("namespace_created", "Namespace Created"),
                            ("namespace_changed", "Namespace Changed"),
                            ("namespace_deleted", "Namespace Deleted"),
                            ("role_created", "Role Created"),
                            ("role_changed", "Role Changed"),
                            ("role_deleted", "Role Deleted"),
                            ("role_assigned", "Role Assigned"),
                            ("role_assignment_changed", "Role Assignment Changed"),
                            ("role_unassigned", "Role Unassigned"),
                            ("scope_created", "Scope Created"),
                            ("scope_changed", "Scope Changed"),
                            ("scope_deleted", "Scope Deleted"),
                            ("initial_permissions_created", "Initial Permissions Created"),
                            ("initial_permissions_changed", "Initial Permissions Changed"),
                            ("initial_permissions_deleted", "Initial Permissions Deleted"),
                            ("grant_created", "Grant Created"),
                            ("grant_changed", "Grant Changed"),
                            ("grant_deleted", "Grant Deleted"),
                            ("resource_type_created", "Resource Type Created"),
                            ("resource_type_changed", "Resource Type Changed"),
                            ("resource_type_deleted", "Resource Type Deleted"),
                            ("resource_created", "Resource Created"),
                            ("resource_changed", "Resource Changed"),
                            ("resource_deleted", "Resource Deleted"),
                            ("bootstrapped", "Bootstrapped"),
                        ],
                        max_length=40,
                    ),
                ),
                ("actor_pk", models.BigIntegerField(null=True)),
                ("actor_name", models.CharField(blank=True, max_length=150)),
                ("target_type", models.CharField(max_length=200)),
                ("target_pk", models.CharField(max_length=255)),
                ("target_name", models.CharField(blank=True, max_length=400)),
                ("before", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
                ("door", models.CharField(blank=True, max_length=16)),
                ("request_id", models.CharField(blank=True, max_length=128)),
                ("reason", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["target_type", "target_pk"], name="event_target"),
                    models.Index(fields=["actor_pk"], name="event_actor"),
                ],
            },
        ),
    ]
