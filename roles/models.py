from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar, Self

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from accounts.facts import Fact, FactQuerySet, time_indexes
from accounts.models import Group, User
from accounts.secrets import generate_hex_id

DEFAULT_NAMESPACE = "default"
SYSTEM_NAMESPACE = "system"
# How ``Role.managed`` begins if the role holds what a group was granted itself.
OWN_ROLE = "group/"

# \Z and not $, which a line break may follow.
validate_code = RegexValidator(
    r"\A[A-Za-z0-9_-]+\Z", "Only letters, digits, hyphens and underscores are allowed."
)


class Namespace(models.Model):
    """A room for role codes: the same code in two namespaces is two roles."""

    code = models.CharField(max_length=64, unique=True, validators=[validate_code])
    name = models.CharField(max_length=255)
    description = models.CharField(max_length=200, blank=True)
    is_enabled = models.BooleanField(default=True)
    built_in = models.BooleanField(default=False, editable=False)

    class Meta:
        verbose_name = "Namespace"
        verbose_name_plural = "Namespaces"

    def __str__(self) -> str:
        return self.code


def default_namespace() -> int:
    return Namespace.objects.only("pk").get(code=DEFAULT_NAMESPACE).pk


def managed_key(group: Group) -> str:
    return f"{OWN_ROLE}{group.pk}"


class RoleQuerySet(models.QuerySet["Role"]):
    def effective(self, at: datetime | None = None) -> Self:
        """Roles that give anything at this moment; None is the database's own clock."""
        moment: Any = Now() if at is None else at
        return self.filter(
            Q(disabled_from__isnull=True) | Q(disabled_from__gt=moment), is_enabled=True
        )

    def public(self) -> Self:
        """Roles people manage: not the service's own, not those that stand in for a group.

        Built-in roles come into sight with their first use: whoever never asked for them does not
        find them in lists.
        """
        # The few that are not shown are looked for: asked of every role, the same question would
        # read all assignments and all global grants.
        unused = Role.objects.filter(
            ~Exists(RoleAssignment.objects.filter(role=OuterRef("pk"))),
            built_in=True,
            global_grants__isnull=True,
        )
        return self.shareable().filter(Q(built_in=False) | ~Q(pk__in=unused.values("pk")))

    def shareable(self) -> Self:
        """Roles people may give and take, used or not."""
        own = Namespace.objects.filter(code=SYSTEM_NAMESPACE)
        return self.filter(managed__isnull=True).exclude(namespace__in=own.values("pk"))


class Role(models.Model):
    """A named set of grants. Users and groups hold it, and so may holders of another role."""

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    hex_id = models.CharField(max_length=24, default=generate_hex_id, unique=True, editable=False)
    name = models.CharField(max_length=150, unique=True)
    namespace = models.ForeignKey(
        Namespace, on_delete=models.PROTECT, default=default_namespace, related_name="roles"
    )
    code = models.CharField(max_length=64, validators=[validate_code])
    display_name = models.CharField(max_length=255, blank=True)
    description = models.CharField(max_length=512, blank=True)
    is_enabled = models.BooleanField(default=True, help_text="A disabled role gives nothing.")
    disabled_from = models.DateTimeField(
        null=True, blank=True, help_text="The role gives nothing from this moment on."
    )
    managed = models.CharField(max_length=255, null=True, blank=True, unique=True)
    built_in = models.BooleanField(default=False, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    last_updated = models.DateTimeField(auto_now=True)

    objects = RoleQuerySet.as_manager()

    class Meta:
        verbose_name = "Role"
        verbose_name_plural = "Roles"
        constraints = [
            models.UniqueConstraint(fields=["namespace", "code"], name="role_code_unique")
        ]
        indexes = [
            # The few roles a decision must leave out, and those a list may have to.
            models.Index(
                fields=["uuid"],
                condition=Q(is_enabled=False) | Q(disabled_from__isnull=False),
                name="role_disabled",
            ),
            models.Index(fields=["uuid"], condition=Q(built_in=True), name="role_built_in"),
        ]
        permissions = [
            ("assign_role_permissions", "Can assign permissions to users"),
            ("unassign_role_permissions", "Can unassign permissions from users"),
        ]

    def __str__(self) -> str:
        return self.name


class ScopeKind(models.TextChoices):
    ALL = "all"
    NOTHING = "nothing"
    SELECTED = "selected"


class Scope(models.Model):
    """On which resources an assignment counts. Named ones are shared, others belong to one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255, null=True, blank=True, unique=True)
    description = models.CharField(max_length=512, blank=True)
    kind = models.CharField(max_length=16, choices=ScopeKind.choices, default=ScopeKind.SELECTED)
    built_in = models.BooleanField(default=False, editable=False)
    # What a door was told beyond the entries and must repeat; no decision reads it.
    properties = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    last_modified = models.DateTimeField(auto_now=True)
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    last_modified_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = "Scope"
        verbose_name_plural = "Scopes"

    def __str__(self) -> str:
        return self.name or f"inline {self.pk}"


class ScopeEntry(models.Model):
    """One selector of a scope: a whole type, one resource, or one resource and all below it."""

    id = models.BigAutoField(primary_key=True)
    scope = models.ForeignKey(
        Scope, on_delete=models.CASCADE, db_index=False, related_name="entries"
    )
    content_type = models.ForeignKey(
        ContentType, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    object_pk = models.CharField(max_length=255, null=True, blank=True)
    with_descendants = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "content_type", "object_pk"],
                name="scope_entry_unique",
            )
        ]
        indexes = [
            models.Index(fields=["content_type", "object_pk"], name="scope_entry_by_resource")
        ]

    def __str__(self) -> str:
        return f"{self.content_type_id}:{self.object_pk or '*'}"


_TO_USER, _TO_GROUP = Q(user__isnull=False), Q(group__isnull=False)
_TO_ROLE = Q(holder_role__isnull=False)
ONE_PRINCIPAL = (
    (_TO_USER & ~_TO_GROUP & ~_TO_ROLE)
    | (~_TO_USER & _TO_GROUP & ~_TO_ROLE)
    | (~_TO_USER & ~_TO_GROUP & _TO_ROLE)
)


def _unique(principal: str, *, scoped: bool) -> models.UniqueConstraint:
    """One assignment per (principal, role), and one per (principal, role, scope)."""
    of_principal = Q(**{f"{principal}__isnull": False})
    if scoped:
        # Unscoped rows are in this index too, where their null conflicts with nothing: decisions
        # ask for a principal's roles with and without scope, and need one index that has both.
        return models.UniqueConstraint(
            fields=[principal, "role", "scope"],
            condition=of_principal,
            name=f"assignment_{principal}_scoped",
        )
    return models.UniqueConstraint(
        fields=[principal, "role"],
        condition=of_principal & Q(scope__isnull=True),
        name=f"assignment_{principal}_unscoped",
    )


class RoleAssignmentQuerySet(FactQuerySet):
    def unscoped(self) -> Self:
        return self.filter(scope__isnull=True)


class RoleAssignment(Fact):
    """A user, a group's members, or the holders of another role hold the role."""

    id = models.BigAutoField(primary_key=True)
    role = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="assignments")
    user = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        db_index=False,
        related_name="role_assignments",
    )
    group = models.ForeignKey(
        Group,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        db_index=False,
        related_name="role_assignments",
    )
    holder_role = models.ForeignKey(
        Role,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        db_index=False,
        related_name="inherited_assignments",
        help_text="Whoever holds this role holds the assigned role too.",
    )
    # Never SET_NULL: without its scope an assignment would count everywhere.
    scope = models.ForeignKey(
        Scope, null=True, blank=True, on_delete=models.PROTECT, related_name="assignments"
    )
    reason = models.CharField(max_length=500, blank=True)
    # What a door was told beyond the scope and must repeat; no decision reads it.
    properties = models.JSONField(default=dict, blank=True)

    objects: ClassVar = RoleAssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = "Role assignment"
        verbose_name_plural = "Role assignments"
        constraints = [
            models.CheckConstraint(condition=ONE_PRINCIPAL, name="assignment_one_principal"),
            *(
                _unique(principal, scoped=scoped)
                for principal in ("user", "group", "holder_role")
                for scoped in (False, True)
            ),
        ]
        indexes = time_indexes("assignment")

    def __str__(self) -> str:
        return f"{self.role} to {self.principal}"

    @property
    def principal(self) -> User | Group | Role:
        principal = self.user or self.group or self.holder_role
        assert principal is not None  # the check constraint says so
        return principal


class InitialPermissionsMode(models.TextChoices):
    USER = "user"
    ROLE = "role"


class InitialPermissions(models.Model):
    """What holders of a role are granted on every object they create through an API."""

    id = models.AutoField(primary_key=True)
    name = models.CharField(max_length=150, unique=True)
    # The creator alone or all who hold the role: authentik 2025.4 to 2025.10 let one choose.
    mode = models.CharField(
        max_length=8,
        choices=InitialPermissionsMode.choices,
        default=InitialPermissionsMode.ROLE,
    )
    role = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="initial_permissions")
    permissions = models.ManyToManyField(Permission, blank=True, related_name="+")

    class Meta:
        verbose_name = "Initial Permissions"
        verbose_name_plural = "Initial Permissions"

    def __str__(self) -> str:
        return self.name


class SystemPermission(models.Model):
    """Owns the permissions that speak of the service as a whole; it has no table."""

    class Meta:
        managed = False
        default_permissions = ()
        verbose_name = "System permission"
        verbose_name_plural = "System permissions"
        permissions = [
            ("view_system_info", "Can view system info"),
            ("access_admin_interface", "Can access admin interface"),
            ("view_system_settings", "Can view system settings"),
            ("edit_system_settings", "Can edit system settings"),
            ("view_media_files", "Can view media files"),
            ("manage_media_files", "Can manage media files"),
            ("escalate", "Can grant what it does not hold itself"),
            ("check_access", "Can ask for decisions about any subject"),
        ]

    def __str__(self) -> str:
        return "system"
