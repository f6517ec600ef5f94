"""Creating and changing users, with the groups and roles that come along."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from accounts.models import Group, GroupMembership, SignIn, User
from accounts.signins import end_sessions, keep_after_password_change
from audit.errors import InvalidInput
from audit.models import EventKind
from audit.operations import record
from permissions.engine import SubjectRef, require_covers, subject_parameters
from permissions.operations.assignments import set_roles
from permissions.operations.audit_facts import user_facts
from permissions.operations.changes import change
from permissions.operations.initial_permissions import fire
from permissions.operations.locks import Precondition, claim_names, lock_groups
from permissions.operations.membership import change_groups, set_groups
from permissions.operations.scoped_roles import RoleSet, set_scoped_roles
from roles.models import Role

NAMES = ("username", "email", "external_id")
# What else a name is tried as, if nobody has it as the first.
_WEAKER = {"username": ("external_id", "hex_id", "email"), "external_id": ("hex_id", "email")}
# What somebody else may be called as well, by whoever could act as that user: an address that two
# have is nobody's any more, and a user name comes before an external id.
_SHARED = {"email": ("username", "external_id", "email"), "external_id": ("username",)}


@transaction.atomic
def create_user(
    *,
    actor: User | None,
    username: str,
    groups: Iterable[Group] = (),
    roles: Iterable[Role] = (),
    password: str | None = None,
    **fields: Any,
) -> User:
    """Without a password nobody signs in by one.

    Raises GrantCeiling for groups, roles and a name that is shared, InvalidInput for one that means
    somebody else and for a password that is too easy to guess.
    """
    user = User(username=username, **fields)
    claim_names(filter(None, (username, *(fields.get(name) for name in NAMES))))
    _refuse_names_of_others(user, {"username": username, **fields})
    _require_shared(user, fields, actor=actor)
    _refuse_guessable(password, user, actor)
    user.set_password(password)
    user.save(force_insert=True)
    record(EventKind.USER_CREATED, target=user, actor=actor, after=user_facts(user))
    # Nothing is looked up where nothing is to be set: nobody is linked to what is new.
    if groups := list(groups):
        set_groups(user=user, groups=groups, actor=actor)
    if roles := list(roles):
        set_roles(principal=user, roles=roles, actor=actor)
    fire(actor=actor, label="authentik_core.user", keys=[str(user.pk)])
    return user


@transaction.atomic
def update_user(
    *,
    user: User,
    actor: User | None,
    groups: Iterable[Group] | None = None,
    roles: Iterable[Role] | None = None,
    precondition: Precondition | None = None,
    **fields: Any,
) -> User:
    """Only what is given changes; ``groups`` and ``roles`` None leaves them alone.

    Raises GrantCeiling, as for somebody's password, for another name, for letting an inactive user
    act again, and for sharing a name of somebody's; InvalidInput for a name that means somebody
    else. Deactivating ends the user's sessions.
    """
    # Decisions are asked by these names: whoever gives somebody's rights another name could give
    # them its own. And to let somebody act again is to give everything it holds.
    renamed = {n: fields[n] for n in NAMES if n in fields and fields[n] != getattr(user, n)}
    revived = not user.is_active and fields.get("is_active", False)
    deactivated = user.is_active and not fields.get("is_active", True)
    if (renamed or revived) and actor is not None and actor.pk != user.pk:
        require_covers(actor=actor, users=[user])
    if renamed:
        claim_names(filter(None, renamed.values()))
    _refuse_names_of_others(user, renamed)
    _require_shared(user, renamed, actor=actor)
    if groups is not None:
        # Before the user's own row, in the order in which deletions lock them.
        groups = list(groups)
        joined = GroupMembership.objects.filter(user=user).values("group")
        lock_groups(Q(pk__in=joined) | Q(pk__in=[group.pk for group in groups]))
    if precondition is not None:
        precondition()
    change(user, fields, EventKind.USER_CHANGED, actor=actor)
    # Else a browser that is still signed in would count again once the user is active again.
    if deactivated:
        end_sessions(user=user)
    if groups is not None:
        set_groups(user=user, groups=groups, actor=actor)
    if roles is not None:
        set_roles(principal=user, roles=roles, actor=actor)
    return user


def _require_shared(user: User, fields: Mapping[str, Any], *, actor: User | None) -> None:
    """The actor may act as everybody who has one of these names already."""
    shared = [
        Q(**{column: name})
        for field, columns in _SHARED.items()
        for column in columns
        if (name := fields.get(field))
    ]
    if actor is not None and shared:
        others = User.objects.filter(Q(*shared, _connector=Q.OR)).exclude(pk=user.pk)
        require_covers(actor=actor, users=others)


def _refuse_names_of_others(user: User, fields: Mapping[str, Any]) -> None:
    """Decisions about somebody, asked by a uuid, an id or an address, must not go to another who
    was called so. One statement for each name.
    """
    for field, columns in _WEAKER.items():
        if not (name := fields.get(field)):
            continue
        # A uuid wins over an external id, so that the latter would name nobody.
        called_so = Q(uuid=subject_parameters(SubjectRef(name))["subject_uuid"])
        for column in columns:
            called_so |= Q(**{column: name})
        if User.objects.filter(called_so).exclude(pk=user.pk).exists():
            raise InvalidInput(fields={field: ["Another user is known by this name."]})


def _refuse_guessable(
    password: str | None, user: User, actor: User | None, called: str = "password"
) -> None:
    """By the rules of the settings. What the operator of the machine sets is the operator's own."""
    if password is None or actor is None:
        return
    try:
        validate_password(password, user)
    except ValidationError as refusal:
        raise InvalidInput(fields={called: refusal.messages}) from None


@transaction.atomic
def set_password(
    *, user: User, password: str | None, actor: User | None, called: str = "password"
) -> None:
    """Sessions of the user end. Setting somebody else's gives the actor all that somebody holds,
    for good. Raises InvalidInput, under what the password is ``called``, if it is easy to guess.
    """
    if actor is not None and actor.pk != user.pk:
        require_covers(actor=actor, users=[user])
    _refuse_guessable(password, user, actor, called)
    user.set_password(password)
    user.save(update_fields=["password", "password_change_date", "last_updated"])
    record(EventKind.PASSWORD_SET, target=user, actor=actor)


@transaction.atomic
def change_own_password(
    *, user: User, password: str, through: SignIn | None, called: str = "password"
) -> None:
    """Every session of the user ends but the sign-in through which this was asked."""
    set_password(user=user, password=password, actor=user, called=called)
    if through is not None:
        keep_after_password_change(signed_in=through)


@transaction.atomic
def save_user(
    *,
    user: User | None,
    actor: User | None,
    password: str | None = None,
    joined: Collection[Group] = (),
    left: Collection[Group] = (),
    roles: RoleSet | None = None,
    **fields: Any,
) -> User:
    """A new user, or changes of the one there is, all or nothing; what is None stays as it is."""
    if user is None:
        user = create_user(actor=actor, password=password, **fields)
    else:
        update_user(user=user, actor=actor, **fields)
        if password is not None:
            set_password(user=user, password=password, actor=actor)
    if joined or left:
        change_groups(user=user, joined=joined, left=left, actor=actor)
    if roles is not None:
        set_scoped_roles(principal=user, roles=roles, actor=actor)
    return user
