from typing import Any, NoReturn

from django.db import models


class EventKind(models.TextChoices):
    """What happened. The words are closed: a new kind of write adds its word here."""

    USER_CREATED = "user_created"
    USER_CHANGED = "user_changed"
    USER_DELETED = "user_deleted"
    PASSWORD_SET = "password_set"  # noqa: S105  the name of an event, not a password
    LOGGED_IN = "logged_in"
    LOGGED_OUT = "logged_out"
    GROUP_CREATED = "group_created"
    GROUP_CHANGED = "group_changed"
    GROUP_DELETED = "group_deleted"
    GROUP_MEMBER_ADDED = "group_member_added"
    GROUP_MEMBERSHIP_CHANGED = "group_membership_changed"
    GROUP_MEMBER_REMOVED = "group_member_removed"
    GROUP_PARENT_ADDED = "group_parent_added"
    GROUP_PARENT_REMOVED = "group_parent_removed"
    TOKEN_CREATED = "token_created"  # noqa: S105
    TOKEN_CHANGED = "token_changed"  # noqa: S105
    TOKEN_DELETED = "token_deleted"  # noqa: S105
    TOKEN_KEY_VIEWED = "token_key_viewed"  # noqa: S105
    TOKEN_KEY_SET = "token_key_set"  # noqa: S105
    NAMESPACE_CREATED = "namespace_created"
    NAMESPACE_CHANGED = "namespace_changed"
    NAMESPACE_DELETED = "namespace_deleted"
    ROLE_CREATED = "role_created"
    ROLE_CHANGED = "role_changed"
    ROLE_DELETED = "role_deleted"
    ROLE_ASSIGNED = "role_assigned"
    ROLE_ASSIGNMENT_CHANGED = "role_assignment_changed"
    ROLE_UNASSIGNED = "role_unassigned"
    SCOPE_CREATED = "scope_created"
    SCOPE_CHANGED = "scope_changed"
    SCOPE_DELETED = "scope_deleted"
    INITIAL_PERMISSIONS_CREATED = "initial_permissions_created"
    INITIAL_PERMISSIONS_CHANGED = "initial_permissions_changed"
    INITIAL_PERMISSIONS_DELETED = "initial_permissions_deleted"
    GRANT_CREATED = "grant_created"
    GRANT_CHANGED = "grant_changed"
    GRANT_DELETED = "grant_deleted"
    RESOURCE_TYPE_CREATED = "resource_type_created"
    RESOURCE_TYPE_CHANGED = "resource_type_changed"
    RESOURCE_TYPE_DELETED = "resource_type_deleted"
    RESOURCE_CREATED = "resource_created"
    RESOURCE_CHANGED = "resource_changed"
    RESOURCE_DELETED = "resource_deleted"
    BOOTSTRAPPED = "bootstrapped"


class AppendOnly(RuntimeError):
    """Somebody tried to change or delete what has happened."""


class EventQuerySet(models.QuerySet["Event"]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnly("Audit events are never changed.")

    def delete(self) -> NoReturn:
        raise AppendOnly("Audit events are never deleted.")


class Event(models.Model):
    """One write: who did what to what, the state before and after, and through which door.

    Actor and target are kept as plain values: an event outlives what it speaks of.
    """

    id = models.BigAutoField(primary_key=True)
    created = models.DateTimeField(auto_now_add=True, db_index=True)
    kind = models.CharField(max_length=40, choices=EventKind.choices)
    actor_pk = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=150, blank=True)
    target_type = models.CharField(max_length=200)
    target_pk = models.CharField(max_length=255)
    target_name = models.CharField(max_length=400, blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    door = models.CharField(max_length=16, blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["target_type", "target_pk"], name="event_target"),
            models.Index(fields=["actor_pk"], name="event_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.target_type}:{self.target_pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly("Audit events are never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("Audit events are never deleted.")
