"""What the OpenAPI document tells callers about each operation and parameter of this door."""

from __future__ import annotations

from typing import Any

TAGS = {
    "core": "Who: users, groups and API tokens.",
    "rbac": "What they may do: roles, permissions, grants, resources, and asking about all of it.",
    "root": "What programs ask before they sign in.",
    "schema": "This document.",
}

# One thing, several, and the stem of the operation ids.
_COLLECTIONS = {
    "core_groups": ("a group", "groups"),
    "core_tokens": ("an API token", "API tokens"),
    "core_users": ("a user", "users"),
    "rbac_initial_permissions": ("an initial permission", "initial permissions"),
    "rbac_permissions_roles": ("a role's grant on an object", "roles' grants on objects"),
    "rbac_permissions_users": ("a user's grant on an object", "users' grants on objects"),
    "rbac_resource_types": ("a resource type", "resource types"),
    "rbac_resource_types_resources": ("a resource of the type", "resources of the type"),
    "rbac_role_assignments": ("a role assignment", "role assignments"),
    "rbac_roles": ("a role", "roles"),
    "rbac_scopes": ("a shared scope", "shared scopes"),
}
_VERBS = {
    "list": "List the {many} the caller may view, in pages.",
    "create": "Create {one}.",
    "retrieve": "Read {one}; what the caller may not view does not exist.",
    "update": "Replace {one}.",
    "partial_update": "Change the members of {one} that are sent, and no others.",
    "destroy": "Delete {one}, with everything it was granted and everything granted on it.",
    "used_by_list": "List what refers to {one}, as far as the caller may view it.",
}
OPERATIONS = {
    f"{stem}_{verb}": text.format(one=one, many=many)
    for stem, (one, many) in _COLLECTIONS.items()
    for verb, text in _VERBS.items()
} | {
    "rbac_bulk_assign_create": (
        "Grant every permission on every object to every principal: up to 10,000 grants, all or "
        "none. Answers what became of each."
    ),
    "rbac_bulk_revoke_create": (
        "Take every permission on every object from every principal: up to 10,000 grants, all or "
        "none. Answers what became of each."
    ),
    "rbac_role_assignments_destroy": "Take the role away from whom the assignment gave it to.",
    "rbac_roles_parents_create": "Let holders of the role hold another role too.",
    "rbac_roles_parents_destroy": "Let holders of the role no longer hold the other role.",
    "rbac_roles_parents_list": "List the roles that holders of the role hold too, without limits.",
    "rbac_roles_parents_update": "Let holders of the role hold exactly these roles too.",
    "rbac_scopes_destroy": "Delete a shared scope. One in use is refused.",
    "core_groups_add_user_create": "Make a user a member of the group; once is enough.",
    "core_groups_remove_user_create": "End a user's own membership of the group.",
    "core_tokens_list": "List the caller's API tokens; a superuser's list holds everybody's.",
    "core_tokens_create": "Create an API token, for oneself unless `user` names somebody else.",
    "core_tokens_destroy": "Delete an API token. Its key stops working at once.",
    "core_tokens_set_key_create": "Give the token a key of the caller's choice; the old one ends.",
    "core_tokens_used_by_list": "Nothing refers to an API token: always empty.",
    "core_tokens_view_key_retrieve": "Read the token's key. Every look is recorded.",
    "core_users_me_retrieve": "Read who the caller is and which system permissions it has.",
    "core_users_paths_retrieve": "List the paths that users are sorted under.",
    "core_users_service_account_create": (
        "Create a service account with a token, and with a group of its own if asked to."
    ),
    "core_users_set_password_create": "Set the user's password.",
    "rbac_access_check_create": (
        "Decide one question, or as many as `questions` holds, in their order. Asking about "
        "anybody but oneself needs `authentik_rbac.check_access`."
    ),
    "rbac_access_check_list": "List everything the caller may do, with its source.",
    "rbac_access_effective_permissions_list": (
        "List every grant a user has, its own and its roles', with its source. Asking about "
        "anybody but oneself needs `authentik_rbac.check_access`."
    ),
    "rbac_access_explain_create": (
        "Explain a decision: every path that allows; for a denial what came nearest and what would "
        "allow it. Needs `authentik_rbac.check_access`."
    ),
    "rbac_access_what_can_create": (
        "Find what a subject may do on a resource, or on which resources it may do an action."
    ),
    "rbac_access_who_can_create": (
        "Find everybody who may do an action on a resource; without a resource, on every one. "
        "Needs `authentik_rbac.check_access`."
    ),
    "rbac_initial_permissions_destroy": "Delete an initial permission; what it gave stays.",
    "rbac_permissions_list": (
        "List the permissions there are. Open to every authenticated caller: it says what exists, "
        "not who holds it."
    ),
    "rbac_permissions_retrieve": "Read a permission of the catalogue.",
    "rbac_permissions_roles_destroy": "Take the grant away from the role.",
    "rbac_permissions_users_destroy": "Take the grant away from the user.",
    "rbac_resource_types_resources_bulk_create": (
        "Register up to 10,000 resources in one transaction; those that are there are changed."
    ),
    "rbac_roles_add_user_create": "Give the role to a user, without limits; once is enough.",
    "rbac_roles_remove_user_create": (
        "Take the role from a user. What was given within a scope stays."
    ),
    "root_config_retrieve": "Read what programs ask first. The same for everybody.",
    "schema_retrieve": "Read this document, as JSON or YAML by `format` or the Accept header.",
}
for _who in ("role", "user"):
    OPERATIONS |= {
        f"rbac_permissions_assigned_by_{_who}s_list": (
            f"List the {_who}s that have been granted something on a type (`model`), or on one "
            "object of it (`object_pk`)."
        ),
        f"rbac_permissions_assigned_by_{_who}s_assign": (
            f"Grant permissions to the {_who}: on one object with `model` and `object_pk`, "
            "everywhere without. All or none; what is granted already gets the times given now."
        ),
        f"rbac_permissions_assigned_by_{_who}s_unassign_partial_update": (
            f"Take permissions from the {_who}: on one object with `model` and `object_pk`, "
            "everywhere without. What is not granted is no error."
        ),
    }

_PARAMETERS = {
    "ak_groups": "As `groups`.",
    "app_label": "Only of this namespace.",
    "attributes": "A JSON object; only those whose attributes hold all of its members.",
    "built_in": "Only those the service brings, or only the others.",
    "codename": "Only with this codename.",
    "content_type__app_label": "Only of types in this namespace.",
    "content_type__model": "Only of types with this name.",
    "description": "Only with this description.",
    "email": "Only with this e-mail address.",
    "expires": "Only those that end at this moment.",
    "expiring": "Only those that end some day, or only the others.",
    "format": "Instead of the Accept header.",
    "group__name": "As `name`.",
    "group": "Only what the group with this uuid holds.",
    "groups": "Only those the group with this uuid holds.",
    "groups_by_name": "Only members of the group with this name; repeat it for any of several.",
    "groups_by_pk": "Only members of the group with this uuid; repeat it for any of several.",
    "holder_role": "Only what holders of the role with this uuid hold through it.",
    "identifier": "The token's name, by which it is unique.",
    "intent": "Only for this purpose.",
    "is_active": "Only active ones, or only the others.",
    "is_superuser": "Only what is superuser, or only the others.",
    "kind": "Only scopes of this kind.",
    "label": "The type as `app_label.model`.",
    "managed": "Only those that a program manages under one of these names.",
    "managed__isnull": "Only those that no program manages, or only the others.",
    "members_by_pk": "Only groups this user is in itself; repeat it for any of several.",
    "members_by_username": "Only groups the user of this name is in itself; may be repeated.",
    "mode": "Only `strict` types, which refuse unknown keys, or only `open` ones.",
    "model": "Only with this name within their namespace.",
    "name": "Only with exactly this name.",
    "object_pk": "The key of the resource, unique within its type.",
    "parent": "The uuid of the other role.",
    "parent__isnull": "Only those at the top, or only those below another one.",
    "path": "Only under exactly this path.",
    "path_startswith": "Only under paths that begin like this.",
    "role": "Only what is granted everywhere to the role with this uuid.",
    "roles_by_name": "Only those who were given the role of this name; may be repeated.",
    "roles_by_pk": "Only those who were given the role with this uuid; may be repeated.",
    "scope": "Only what is limited to the scope with this uuid.",
    "scoped": "Only what is limited by a scope, or only the others.",
    "search": "Only those that contain this text.",
    "type": "Only of this type; repeat it for any of several.",
    "user": "Only what is granted everywhere to the user with this number.",
    "user__username": "Only those of the user of this name.",
    "user_id": "Only grants to the user with this number.",
    "username": "Only with exactly this user name.",
    "users": "Only those the user with this number holds.",
    "uuid": "Only with this uuid.",
}
_MOMENTS = {
    "date_joined": "was created",
    "last_login": "signed in last",
    "last_updated": "was changed last",
}
for _name, _what in _MOMENTS.items():
    _PARAMETERS |= {
        _name: f"Only who {_what} at this moment.",
        f"{_name}__gt": f"Only who {_what} after this moment.",
        f"{_name}__lt": f"Only who {_what} before this moment.",
    }
_PARAMETERS["last_login__isnull"] = "Only who never signed in, or only the others."
for _name in ("children", "groups", "inherited_roles", "parents", "roles", "users"):
    _PARAMETERS[f"include_{_name}"] = f"Whether the answer describes `{_name}` in full."


def describe(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """What docstrings tell readers of the code gives way to what callers need to know."""
    result["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    for path in result.get("paths", {}).values():
        for operation in path.values():
            _describe(operation)
    return result


def _describe(operation: dict[str, Any]) -> None:
    text = OPERATIONS.get(operation["operationId"])
    if text is not None:
        operation["description"] = text
    for parameter in operation.get("parameters", ()):
        if not parameter.get("description") and parameter["name"] in _PARAMETERS:
            parameter["description"] = _PARAMETERS[parameter["name"]]
