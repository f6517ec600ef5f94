from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Self

from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import models
from guardian.models.models import GroupObjectPermissionAbstract, UserObjectPermissionAbstract

from accounts.facts import Fact, FactQuerySet, time_indexes
from accounts.models import User
from roles.models import Role


class ResourceMode(models.TextChoices):
    STRICT = "strict", "Only registered resources can be named"
    OPEN = "open", "Any resource can be named"


class ResourceTypeQuerySet(models.QuerySet["ResourceType"]):
    def labelled(self, label: str) -> Self:
        """By ``app_label.model``; a label without a dot finds nothing."""
        app_label, _, model = label.partition(".")
        return self.filter(content_type__app_label=app_label, content_type__model=model)


class ResourceType(models.Model):
    """A kind of thing access is decided about. Its actions are the permissions of its content type.

    The primary key is the content type's, so facts need no join to name their type.
    """

    content_type = models.OneToOneField(
        ContentType, primary_key=True, on_delete=models.PROTECT, related_name="resource_type"
    )
    # What else it is called; None if the label is the only name. No other type's label.
    name = models.CharField(max_length=255, unique=True, null=True, blank=True)
    app_verbose_name = models.CharField(max_length=255)
    verbose_name = models.CharField(max_length=255)
    verbose_name_plural = models.CharField(max_length=255, blank=True)
    mode = models.CharField(max_length=8, choices=ResourceMode.choices, default=ResourceMode.STRICT)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    # Any key may have been named, and granted on, before it is registered.
    was_open = models.BooleanField(default=False, editable=False)
    built_in = models.BooleanField(default=False, editable=False)
    # What a door was told beyond these and must repeat; no decision reads it.
    properties = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    objects = ResourceTypeQuerySet.as_manager()

    class Meta:
        verbose_name = "Resource type"
        verbose_name_plural = "Resource types"

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        return f"{self.content_type.app_label}.{self.content_type.model}"


class Resource(models.Model):
    """A registered thing of a type that has no table of its own here."""

    id = models.BigAutoField(primary_key=True)
    type = models.ForeignKey(
        ResourceType, on_delete=models.CASCADE, db_index=False, related_name="resources"
    )
    object_pk = models.CharField(max_length=255)
    name = models.CharField(max_length=255, blank=True)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children"
    )
    properties = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "Resource"
        verbose_name_plural = "Resources"
        constraints = [
            models.UniqueConstraint(fields=["type", "object_pk"], name="resource_unique")
        ]

    def __str__(self) -> str:
        return self.name or self.object_pk


class RetiredName(models.Model):
    """What meant something once: the label of a type, or with a key one of its resources.

    Questions may still be asked by it, so whoever lets it mean something again decides about them.
    The last type of a label may have it back, unless it is gone.
    """

    id = models.BigAutoField(primary_key=True)
    label = models.CharField(max_length=201)
    object_pk = models.CharField(max_length=255, blank=True)
    type = models.ForeignKey(
        ResourceType, null=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["label", "object_pk"], name="retired_name_unique")
        ]

    def __str__(self) -> str:
        return f"{self.label}:{self.object_pk}" if self.object_pk else self.label


class ResourceClosure(models.Model):
    """Every (descendant, ancestor) pair, each resource with itself included."""

    id = models.BigAutoField(primary_key=True)
    descendant = models.ForeignKey(
        Resource, on_delete=models.CASCADE, db_index=False, related_name="ancestor_rows"
    )
    ancestor = models.ForeignKey(
        Resource, on_delete=models.CASCADE, db_index=False, related_name="descendant_rows"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["descendant", "ancestor"], name="resource_closure_unique"
            )
        ]
        indexes = [models.Index(fields=["ancestor", "descendant"], name="resource_closure_by_anc")]

    def __str__(self) -> str:
        return f"{self.descendant_id} <= {self.ancestor_id}"


class GlobalGrant(Fact):
    """A permission that counts for every resource of its type, and without a resource."""

    id = models.BigAutoField(primary_key=True)
    permission = models.ForeignKey(
        Permission, on_delete=models.CASCADE, db_index=False, related_name="+"
    )

    class Meta:
        abstract = True


class UserGlobalGrant(GlobalGrant):
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, db_index=False, related_name="global_grants"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "permission"], name="user_global_unique")
        ]
        # Who may do something is found from the permission.
        indexes = [
            models.Index(fields=["permission", "user"], name="user_global_by_perm"),
            *time_indexes("user_global"),
        ]

    def __str__(self) -> str:
        return f"{self.permission.codename} to {self.user}"


class RoleGlobalGrant(GlobalGrant):
    role = models.ForeignKey(
        Role, on_delete=models.CASCADE, db_index=False, related_name="global_grants"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["role", "permission"], name="role_global_unique")
        ]
        indexes = [
            models.Index(fields=["permission", "role"], name="role_global_by_perm"),
            *time_indexes("role_global"),
        ]

    def __str__(self) -> str:
        return f"{self.permission.codename} to {self.role}"


class ObjectGrant(Fact):
    """A permission on one resource.

    The tables are guardian's generic ones. Its own ``save`` and ``__str__`` ask for the object,
    which fails if a type has no Python class; here the permission names the type instead.
    """

    id = models.BigAutoField(primary_key=True)
    permission = models.ForeignKey(
        Permission, on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    # The permission's type again, because guardian reads it. No index and no constraint: nothing
    # asks for it.
    content_type = models.ForeignKey(
        ContentType,
        on_delete=models.DO_NOTHING,
        db_index=False,
        db_constraint=False,
        related_name="+",
    )
    object_pk = models.CharField(max_length=255)

    objects: ClassVar = FactQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        # Never what a caller says: guardian's queries would find the grant under another type.
        self.content_type_id = self.permission.content_type_id
        models.Model.save(self, *args, **kwargs)


@dataclass(frozen=True, slots=True)
class NamedResource:
    """Stands for a resource nobody registered: all that is known of it is what it is called."""

    type: str
    object_pk: str

    def __str__(self) -> str:
        return f"{self.type}:{self.object_pk}"


class GrantedObject(GenericForeignKey):
    """guardian's way to the object, for types without a Python class as well.

    None only if a row of our own is gone. A resource without a table is never missing: whether
    it exists is known to the application it belongs to.
    """

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        if instance is None:
            return self
        content_type = ContentType.objects.get_for_id(instance.content_type_id)
        model = content_type.model_class()
        if model is None or not model._meta.managed:
            key = instance.object_pk
            registered = Resource.objects.filter(type=content_type.pk, object_pk=key).first()
            label = f"{content_type.app_label}.{content_type.model}"
            return registered or NamedResource(label, key)
        try:
            return super().__get__(instance, cls)
        except (ValidationError, ValueError):  # a key that the model's column cannot hold
            return None


class UserObjectPermission(ObjectGrant, UserObjectPermissionAbstract):
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, db_index=False, related_name="object_grants"
    )

    content_object = GrantedObject(fk_field="object_pk")

    objects: ClassVar = FactQuerySet.as_manager()  # type: ignore[assignment]  # not guardian's

    class Meta:
        # Not guardian's: it has the columns of the constraint, and would be a second index of them.
        unique_together: ClassVar[list[str]] = []
        constraints = [
            models.UniqueConstraint(
                fields=["user", "permission", "object_pk"], name="user_object_unique"
            )
        ]
        indexes = [
            models.Index(fields=["permission", "object_pk", "user"], name="user_object_by_object"),
            # Small, because most of its entries are alike: who has anything of a type.
            models.Index(fields=["permission", "user"], name="user_object_by_grantee"),
            *time_indexes("user_object"),
        ]

    def __str__(self) -> str:
        return f"{self.permission.codename} on {self.object_pk} to {self.user}"


class RoleObjectPermission(ObjectGrant, GroupObjectPermissionAbstract):
    # guardian's name for the column; what stands there is the role.
    group = models.ForeignKey(  # type: ignore[assignment]  # guardian declares a group there
        Role, on_delete=models.CASCADE, db_index=False, related_name="object_grants"
    )

    content_object = GrantedObject(fk_field="object_pk")

    objects: ClassVar = FactQuerySet.as_manager()  # type: ignore[assignment]  # not guardian's

    class Meta:
        # As above.
        unique_together: ClassVar[list[str]] = []
        constraints = [
            models.UniqueConstraint(
                fields=["group", "permission", "object_pk"], name="role_object_unique"
            )
        ]
        indexes = [
            models.Index(fields=["permission", "object_pk", "group"], name="role_object_by_object"),
            models.Index(fields=["permission", "group"], name="role_object_by_grantee"),
            *time_indexes("role_object"),
        ]

    def __str__(self) -> str:
        return f"{self.permission.codename} on {self.object_pk} to {self.group}"


# Bounded: labels come with requests and may be anything.
@lru_cache(maxsize=1024)
def python_model(label: str) -> type[models.Model] | None:
    """The class whose rows are the resources of a type, if it has one with a table."""
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        return None
    return model if model._meta.managed else None


def related_model(model: type[models.Model], name: str) -> type[models.Model]:
    related = model._meta.get_field(name).related_model
    assert isinstance(related, type), "a foreign key"
    return related
