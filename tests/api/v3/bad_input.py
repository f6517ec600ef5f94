"""Bodies that are wrong whoever the grantee is, and the member that the answer blames."""

from __future__ import annotations

import uuid

ROLE_MODEL = "authentik_rbac.role"
VIEW = "authentik_rbac.view_role"
PAIR = {"model": ROLE_MODEL}

# Body, then the expected answer, or the name of the only member it must have.
ASSIGN = {
    "no permissions": ({}, {"permissions": ["This field is required."]}),
    "null": ({"permissions": None}, {"permissions": ["This field may not be null."]}),
    "an empty name": (
        {"permissions": [""]},
        {"permissions": {"0": ["This field may not be blank."]}},
    ),
    "a list as a name": ({"permissions": [[]]}, {"permissions": {"0": ["Not a valid string."]}}),
    "an object as a name": ({"permissions": [{}]}, {"permissions": {"0": ["Not a valid string."]}}),
    "true as a name": ({"permissions": [True]}, {"permissions": {"0": ["Not a valid string."]}}),
    "no list": (
        {"permissions": VIEW},
        {"permissions": ['Expected a list of items but got type "str".']},
    ),
    "only the model": (
        {"permissions": [VIEW], "model": ROLE_MODEL},
        {"non_field_errors": ["The fields model, object_pk must be used together."]},
    ),
    "only the object": (
        {"permissions": [VIEW], "object_pk": "1"},
        {"non_field_errors": ["The fields model, object_pk must be used together."]},
    ),
    "a name without its app": (
        {"permissions": ["view_role"]},
        {
            "permissions": [
                "When assigning global permissions, codename must be given as app_label.codename"
            ]
        },
    ),
    "an unknown model": (
        {"permissions": [VIEW], "model": "no.model", "object_pk": "1"},
        {"model": ['"no.model" is not a valid choice.']},
    ),
    "a model without its app": (
        {"permissions": [VIEW], "model": "role", "object_pk": "1"},
        {"model": ['"role" is not a valid choice.']},
    ),
    "an unknown permission": ({"permissions": ["authentik_rbac.no_such"]}, "permissions"),
    "another app's permission": ({"permissions": ["authentik_core.view_role"]}, "permissions"),
    "a permission of no registered type": ({"permissions": ["auth.view_group"]}, "permissions"),
    "an unknown permission of the model": (
        {"permissions": ["no_such"], **PAIR, "object_pk": "{role}"},
        "permissions",
    ),
    "another model's permission": (
        {"permissions": ["view_user"], **PAIR, "object_pk": "{role}"},
        "permissions",
    ),
    "the wrong app before the permission": (
        {"permissions": ["authentik_core.view_role"], **PAIR, "object_pk": "{role}"},
        "permissions",
    ),
    "a missing object": (
        {"permissions": [VIEW], **PAIR, "object_pk": str(uuid.UUID(int=1))},
        "object_pk",
    ),
    "a malformed uuid": ({"permissions": [VIEW], **PAIR, "object_pk": "x"}, "object_pk"),
    "a malformed number": (
        {
            "permissions": ["view_user"],
            "model": "authentik_core.user",
            "object_pk": "1.5",
        },
        "object_pk",
    ),
    "a number no key can have": (
        {
            "permissions": ["view_user"],
            "model": "authentik_core.user",
            "object_pk": "9" * 40,
        },
        "object_pk",
    ),
    "an empty key": (
        {"permissions": [VIEW], **PAIR, "object_pk": ""},
        {"object_pk": ["This field may not be blank."]},
    ),
    "a long key": ({"permissions": [VIEW], **PAIR, "object_pk": "x" * 256}, "object_pk"),
    "NUL in the key": ({"permissions": [VIEW], **PAIR, "object_pk": "a\0"}, "object_pk"),
    "NUL in the model": ({"permissions": [VIEW], "model": "a.\0", "object_pk": "1"}, "model"),
    "NUL in a name": ({"permissions": ["a.\0"]}, "permissions"),
    "a list as key": ({"permissions": [VIEW], **PAIR, "object_pk": []}, "object_pk"),
    "true as model": ({"permissions": [VIEW], "model": True, "object_pk": "1"}, "model"),
    "too many": ({"permissions": [VIEW] * 5_000}, "permissions"),
    "a list as body": ([VIEW], "non_field_errors"),
    "a text as body": ("x", "non_field_errors"),
}

# Bytes that are no JSON, or JSON that nothing can store.
RAW = {
    "no JSON": b"{",
    "no UTF-8": b'{"permissions": ["\xff"]}',
    "a lone surrogate": b'{"permissions": ["\\ud800"]}',
    "NaN": b'{"permissions": NaN}',
    "an infinite number": b'{"permissions": [1e999]}',
    "a number of 5,000 digits": b'{"permissions": [' + b"9" * 5_000 + b"]}",
    "deep nesting": b'{"permissions": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
}


def filled(body: object, role: object) -> object:
    """The body with the key of the role in its place."""
    if isinstance(body, dict) and body.get("object_pk") == "{role}":
        return {**body, "object_pk": str(role)}
    return body


def blames(answer: dict[str, object], expected: object) -> bool:
    return list(answer) == [expected] if isinstance(expected, str) else answer == expected
