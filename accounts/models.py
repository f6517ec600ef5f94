from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.facts import Fact, time_indexes
from accounts.secrets import generate_hex_id
from accounts.validators import validate_path, validate_username


class UserType(models.TextChoices):
    INTERNAL = "internal"
    EXTERNAL = "external"
    SERVICE_ACCOUNT = "service_account"
    INTERNAL_SERVICE_ACCOUNT = "internal_service_account"


def superuser_membership(user_pk: Any) -> Exists:
    """Whether a user belongs, directly or through ancestors, to a group that confers superuser."""
    return Exists(
        GroupMembership.objects.active().filter(
            user=user_pk, group__ancestor_rows__ancestor__is_superuser=True
        )
    )


def uid_of(key: uuid.UUID) -> str:
    return hashlib.sha256(key.bytes).hexdigest()


def num_of(key: uuid.UUID) -> int:
    return key.int & 0x7FFFFFFF


class UserQuerySet(models.QuerySet["User"]):
    def with_superuser(self) -> Self:
        """Read ``is_superuser`` in the same statement instead of one per user."""
        return self.annotate(superuser_by_groups=superuser_membership(OuterRef("pk")))

    def superusers(self) -> Self:
        return self.filter(superuser_membership(OuterRef("pk")), is_active=True)

    def members_of(self, groups: Any) -> Self:
        """Whose own membership in one of the groups, a queryset or list, counts now."""
        joined = GroupMembership.objects.active().filter(group__in=groups)
        return self.filter(pk__in=joined.values("user"))


class User(AbstractBaseUser):
    """A subject that can sign in or hold tokens. What it may do is stored in grants, never here."""

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    hex_id = models.CharField(max_length=24, default=generate_hex_id, unique=True, editable=False)
    external_id = models.CharField(max_length=255, null=True, blank=True, unique=True)
    username = models.CharField(max_length=150, unique=True, validators=[validate_username])
    name = models.CharField(max_length=255, blank=True)
    # Decisions take an address as a name, and must not read every user for it.
    email = models.EmailField(max_length=254, blank=True, db_index=True)
    is_active = models.BooleanField(default=True)
    type = models.CharField(max_length=32, choices=UserType.choices, default=UserType.INTERNAL)
    path = models.CharField(max_length=512, default="users", validators=[validate_path])
    attributes = models.JSONField(default=dict, blank=True)
    date_joined = models.DateTimeField(default=timezone.now)
    last_updated = models.DateTimeField(auto_now=True)
    password_change_date = models.DateTimeField(default=timezone.now)
    # When every browser session of the user was ended; none begun before counts again.
    sessions_ended = models.DateTimeField(null=True, editable=False)

    objects = BaseUserManager.from_queryset(UserQuerySet)()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = "User"
        verbose_name_plural = "Users"
        permissions = [
            ("reset_user_password", "Reset Password"),
            ("impersonate", "Can impersonate other users"),
            ("assign_user_permissions", "Can assign permissions to users"),
            ("unassign_user_permissions", "Can unassign permissions from users"),
            ("preview_user", "Can preview user data sent to providers"),
            ("view_user_applications", "View applications the user has access to"),
        ]

    def __str__(self) -> str:
        return self.username

    @property
    def uid(self) -> str:
        """A stable opaque identifier that reveals nothing."""
        return uid_of(self.uuid)

    @property
    def is_superuser(self) -> bool:
        """One query, unless the row was read ``with_superuser()``."""
        if not self.is_active:
            return False
        if (read := self.__dict__.get("superuser_by_groups")) is not None:
            return bool(read)
        return User.objects.filter(pk=self.pk).superusers().exists()

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(raw_password)
        self.password_change_date = timezone.now()

    def get_session_auth_hash(self) -> str:
        """What a session must match; it changes with the password, and when sessions are ended."""
        return self._since(super().get_session_auth_hash())

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        return map(self._since, super().get_session_auth_fallback_hash())

    def _since(self, hash_: str) -> str:
        return f"{hash_}{self.sessions_ended.isoformat()}" if self.sessions_ended else hash_

    # Django's own screens ask these; the answer comes from the one evaluator, through the backend.
    @property
    def is_staff(self) -> bool:
        """May enter the console: holds ``authentik_rbac.access_admin_interface``."""
        return self.has_perm("authentik_rbac.access_admin_interface")

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        from django.contrib.auth import get_backends

        return any(b.has_perm(self, perm, obj) for b in get_backends() if hasattr(b, "has_perm"))

    def has_perms(self, perm_list: list[str], obj: Any = None) -> bool:
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        from django.contrib.auth import get_backends

        return any(
            b.has_module_perms(self, app_label)
            for b in get_backends()
            if hasattr(b, "has_module_perms")
        )


class GroupKind(models.TextChoices):
    GROUP = "group"
    DEPARTMENT = "department"


class GroupQuerySet(models.QuerySet["Group"]):
    def joined_by(self, user: User) -> Self:
        """Those in which the user's own membership counts now."""
        joined = GroupMembership.objects.active().filter(user=user)
        return self.filter(pk__in=joined.values("group"))


class Group(models.Model):
    """Users who are given things together; members of a group count as members of its ancestors."""

    group_uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    hex_id = models.CharField(max_length=24, default=generate_hex_id, unique=True, editable=False)
    name = models.CharField(max_length=255, unique=True)
    display_name = models.CharField(max_length=255, blank=True)
    description = models.CharField(max_length=512, blank=True)
    kind = models.CharField(max_length=16, choices=GroupKind.choices, default=GroupKind.GROUP)
    code = models.CharField(max_length=64, null=True, blank=True)
    organization = models.CharField(max_length=64, blank=True)
    is_superuser = models.BooleanField(
        default=False, help_text="Members, and members of groups below, may do everything."
    )
    attributes = models.JSONField(default=dict, blank=True)
    users = models.ManyToManyField(
        User, through="GroupMembership", through_fields=("group", "user"), related_name="groups"
    )
    parents = models.ManyToManyField(
        "self",
        through="GroupParent",
        through_fields=("child", "parent"),
        symmetrical=False,
        related_name="children",
    )

    objects = GroupQuerySet.as_manager()

    class Meta:
        verbose_name = "Group"
        verbose_name_plural = "Groups"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "kind", "code"],
                condition=Q(code__isnull=False),
                name="group_code_unique",
            )
        ]
        # Every decision asks for the few groups that confer superuser.
        indexes = [
            models.Index(
                fields=["group_uuid"], condition=Q(is_superuser=True), name="group_superuser"
            )
        ]
        permissions = [
            ("add_user_to_group", "Add user to group"),
            ("remove_user_from_group", "Remove user from group"),
            ("enable_group_superuser", "Enable superuser status"),
            ("disable_group_superuser", "Disable superuser status"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def num_pk(self) -> int:
        """A positive 32-bit number derived from the key, for clients that want integers."""
        return num_of(self.group_uuid)


class GroupMembership(Fact):
    # No index for each column alone, here and below: those of both columns begin with either.
    group = models.ForeignKey(
        Group, on_delete=models.CASCADE, db_index=False, related_name="memberships"
    )
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, db_index=False, related_name="memberships"
    )
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "group"], name="membership_unique")]
        indexes = [
            models.Index(fields=["group", "user"], name="membership_by_group"),
            *time_indexes("membership"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.group}"


class GroupParent(models.Model):
    child = models.ForeignKey(
        Group, on_delete=models.CASCADE, db_index=False, related_name="parent_rows"
    )
    parent = models.ForeignKey(
        Group, on_delete=models.CASCADE, db_index=False, related_name="child_rows"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["child", "parent"], name="parent_unique")]
        indexes = [models.Index(fields=["parent", "child"], name="parent_by_parent")]

    def __str__(self) -> str:
        return f"{self.child} below {self.parent}"


class GroupClosure(models.Model):
    """Every (descendant, ancestor) pair, each group with itself included."""

    descendant = models.ForeignKey(
        Group, on_delete=models.CASCADE, db_index=False, related_name="ancestor_rows"
    )
    ancestor = models.ForeignKey(
        Group, on_delete=models.CASCADE, db_index=False, related_name="descendant_rows"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["descendant", "ancestor"], name="closure_unique")
        ]
        indexes = [models.Index(fields=["ancestor", "descendant"], name="closure_by_ancestor")]

    def __str__(self) -> str:
        return f"{self.descendant_id} <= {self.ancestor_id}"


class TokenIntent(models.TextChoices):
    VERIFICATION = "verification"
    API = "api"
    RECOVERY = "recovery"
    APP_PASSWORD = "app_password"  # noqa: S105  a word of the wire contract


# How the identifiers of access keys begin; the rest is the name that goes with the secret.
ACCESS_KEY = "access-key-"


class TokenQuerySet(models.QuerySet["Token"]):
    def unexpired(self, at: datetime | None = None) -> Self:
        moment = timezone.now() if at is None else at
        return self.filter(Q(expiring=False) | Q(expires__isnull=True) | Q(expires__gt=moment))

    def access_keys(self) -> Self:
        """With their users."""
        pairs = self.filter(identifier__startswith=ACCESS_KEY, intent=TokenIntent.API)
        return pairs.select_related("user")


class Token(models.Model):
    """A key that acts as its user. The key itself is only here as a digest and sealed."""

    token_uuid = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    identifier = models.SlugField(max_length=255, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    intent = models.CharField(max_length=16, choices=TokenIntent.choices, default=TokenIntent.API)
    key_digest = models.CharField(max_length=64, unique=True, editable=False)
    key_sealed = models.TextField(editable=False)
    description = models.TextField(blank=True)
    expires = models.DateTimeField(null=True, blank=True)
    expiring = models.BooleanField(default=True)
    managed = models.CharField(max_length=255, null=True, blank=True, unique=True)
    # Names of the only permissions the key may use; null is everything its user may do.
    permissions = models.JSONField(null=True, blank=True, default=None)
    created = models.DateTimeField(auto_now_add=True)
    last_used = models.DateTimeField(null=True, editable=False)

    objects = TokenQuerySet.as_manager()

    class Meta:
        verbose_name = "Token"
        verbose_name_plural = "Tokens"
        permissions = [
            ("view_token_key", "View token's key"),
            ("set_token_key", "Set a token's key"),
        ]

    def __str__(self) -> str:
        return self.identifier

    @property
    def access_key_id(self) -> str:
        return self.identifier.removeprefix(ACCESS_KEY)


class SignIn(models.Model):
    """Somebody who proved a password and now acts by a key. The key is only here as a digest."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_ins")
    key_digest = models.CharField(max_length=64, unique=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(db_index=True)
    password_proved = models.DateTimeField()

    class Meta:
        verbose_name = "Sign-in"
        verbose_name_plural = "Sign-ins"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.user} until {self.expires}"
