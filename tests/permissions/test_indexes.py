"""No statement of a decision reads a whole table of grants.

PostgreSQL is asked for the plan it makes for these values and for the one it keeps for all values;
SQLite has one. There is enough data, and it is analyzed, for an index to be worth its while.
"""

import json
import re
from unittest.mock import Mock

import pytest
from django.contrib.auth.models import Permission
from django.db import connection

from accounts.models import Group, GroupClosure, GroupMembership, Token, User
from permissions import engine
from permissions.engine import running
from permissions.engine.callers import Caller
from permissions.engine.running import Parameter, Statement
from permissions.engine.words import Question, ResourceRef, SubjectRef
from permissions.models import RoleGlobalGrant, UserGlobalGrant
from permissions.queries import grantees
from roles.models import Role, RoleAssignment, default_namespace
from tests import facts

pytestmark = pytest.mark.django_db

GRANTS = {
    "permissions_userglobalgrant",
    "permissions_roleglobalgrant",
    "permissions_userobjectpermission",
    "permissions_roleobjectpermission",
}
# What the way from one subject to its grants goes through.
WAY = {
    "authentik_core_user",
    "authentik_core_token",
    "authentik_core_groupmembership",
    "authentik_core_groupclosure",
    "authentik_rbac_roleassignment",
}
BEHIND = ", behind a caller"
OF_ONE_SUBJECT = ("check", "check without resource", "list_resources", "list_actions")
GROUP = {"app_label": "authentik_core", "model": "group"}
USERS, GROUPS, ROLES, OBJECTS = 1_000, 100, 300, 20_000


@pytest.fixture
def crowd():
    """Users in groups with roles, and many grants; returns the key of a token that may ask."""
    users = User.objects.bulk_create(
        User(username=f"user{n}", email=f"u{n}@x.org") for n in range(USERS)
    )
    groups = Group.objects.bulk_create(Group(name=f"group{n}") for n in range(GROUPS))
    roles = Role.objects.bulk_create(
        Role(name=f"role{n}", code=f"role{n}", namespace_id=default_namespace())
        for n in range(ROLES)
    )
    Token.objects.bulk_create(
        Token(identifier=f"token{n}", user=user, key_digest=f"digest{n}")
        for n, user in enumerate(users)
    )
    GroupClosure.objects.bulk_create(GroupClosure(descendant=g, ancestor=g) for g in groups)
    GroupClosure.objects.bulk_create(
        GroupClosure(descendant=below, ancestor=above)
        for below, above in zip(groups[1:], groups, strict=False)
    )
    GroupMembership.objects.bulk_create(
        GroupMembership(user=user, group=groups[(n + m * 7) % GROUPS])
        for n, user in enumerate(users)
        for m in range(3)
    )
    RoleAssignment.objects.bulk_create(
        RoleAssignment(role=role, group=groups[n % GROUPS]) for n, role in enumerate(roles)
    )
    RoleAssignment.objects.bulk_create(
        RoleAssignment(role=roles[n % ROLES], user=user) for n, user in enumerate(users)
    )
    pairs = Role.objects.bulk_create(
        Role(name=f"pair{n}", code=f"pair{n}", namespace_id=roles[0].namespace_id)
        for n in range(ROLES)
    )
    RoleAssignment.objects.bulk_create(
        RoleAssignment(role=one, holder_role=other)
        for n, one in enumerate(pairs)
        for other in pairs[n + 1 : n + 6]
    )
    known = list(Permission.objects.values_list("pk", flat=True)[:50])
    UserGlobalGrant.objects.bulk_create(
        UserGlobalGrant(user=user, permission_id=known[(n + m) % 50])
        for n, user in enumerate(users)
        for m in range(3)
    )
    RoleGlobalGrant.objects.bulk_create(
        RoleGlobalGrant(role=role, permission_id=known[(n + m) % 50])
        for n, role in enumerate(roles)
        for m in range(10)
    )
    permission = facts.permission("authentik_core.view_group")
    for table, holder, source in (
        ("permissions_userobjectpermission", "user_id", "SELECT id FROM authentik_core_user"),
        ("permissions_roleobjectpermission", "group_id", "SELECT uuid FROM authentik_rbac_role"),
    ):
        _insert(table, holder, source, permission)
    if connection.vendor == "postgresql":  # SQLite only counts when told, and nobody tells it
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    return users


def _insert(table, holder, source, permission):
    """Grants on objects 1, 2, 3 …, dealt out among the holders."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s),
            source(key) AS ({source}),
            holder AS (SELECT key, ROW_NUMBER() OVER () AS k, COUNT(*) OVER () AS many FROM source)
            INSERT INTO {table} ({holder}, permission_id, content_type_id, object_pk, created)
            SELECT key, %s, %s, CAST(i AS text), CURRENT_TIMESTAMP
            FROM n JOIN holder ON k = 1 + i %% many""",  # noqa: S608  names of our own tables
            [OBJECTS, permission.pk, permission.content_type_id],
        )


def test_one_subject_and_its_grants_are_found_by_index(crowd, bearer_of):
    may_ask(bearer_of, crowd[0])
    found = {
        name: _tables_read(*asked) & (GRANTS | WAY)
        for name, asked in _statements(crowd).items()
        if name.removesuffix(BEHIND) in OF_ONE_SUBJECT
    }

    assert {name: tables for name, tables in found.items() if tables} == {}


def test_an_index_serves_every_statement(crowd, bearer_of):
    """For many subjects PostgreSQL may rightly read a table as small as here. Forbidden that, and
    joins of whole tables, it must find an index. Listing subjects walks the way backwards, where
    SQLite reads who holds the few roles that have the permission.
    """
    may_ask(bearer_of, crowd[0])
    asked = _statements(crowd)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for way in ("seqscan", "hashjoin", "mergejoin"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
    found = {
        name: _tables_read(*statement) & (GRANTS if "list_subjects" in name else GRANTS | WAY)
        for name, statement in asked.items()
    }

    assert {name: tables for name, tables in found.items() if tables} == {}


@pytest.mark.parametrize("granted", [grantees.users_granted, grantees.roles_granted])
def test_grantees_are_found_by_an_index_of_their_own(crowd, granted):
    found = granted(Parameter("app_label"), Parameter("model"))
    holders = User if granted is grantees.users_granted else Role
    statement = Statement.of(holders.objects.filter(pk__in=found).values_list("pk"))

    table = "user" if holders is User else "role"
    assert f"{table}_object_by_grantee" in _explained(statement.text, {**statement.fixed, **GROUP})


def _explained(text, parameters):
    """The plan, which names the indexes it uses."""
    if connection.vendor == "postgresql":
        return str(_generic_plan(text, parameters))
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {text}", parameters)
        return str(cursor.fetchall())


def test_grantees_are_looked_up_among_the_users(crowd):
    granted = grantees.users_granted(Parameter("app_label"), Parameter("model"))
    page = User.objects.filter(pk__in=granted)
    statement = Statement.of(page.order_by("username").values_list("pk"))

    assert len(statement.rows(**GROUP)) == USERS
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # As on an SSD: else so few users are cheaper to read than to look up.
            cursor.execute("SET LOCAL random_page_cost = 1.1")
    read = _tables_read(statement.text, {**statement.fixed, **GROUP})
    assert "authentik_core_user" not in read


@pytest.mark.parametrize("kind", [grantees.USERS, grantees.ROLES])
def test_the_grants_of_a_page_of_grantees_are_found_by_index(crowd, kind, monkeypatch):
    asked = Mock(return_value=[])
    monkeypatch.setattr(running, "rows", asked)
    holders = User if kind is grantees.USERS else Role
    keys = list(holders.objects.values_list("pk", flat=True)[:10])

    grantees.grants_to(kind, keys, **GROUP, object_pk=None, limit=500)  # type: ignore[arg-type]

    [statement] = asked.call_args_list
    assert not _tables_read(*statement.args) & GRANTS


def may_ask(bearer_of, user):
    facts.grant(user, "authentik_rbac.check_access")
    bearer_of(user)


def _statements(users):
    """Every statement of the engine with parameters, alone and behind a caller."""
    seen = {}

    def recording(name, run):
        def recorded(text, parameters, *, using="default"):
            seen[name] = text, dict(parameters)
            return run(text, parameters, using=using)

        return recorded

    subject, resource = SubjectRef("user7"), ResourceRef("authentik_core.group", "8")
    questions = [
        Question(
            subject=SubjectRef(f"user{n}"),
            action="view",
            resource=ResourceRef("authentik_core.group", str(n)),
        )
        for n in range(20)
    ]
    calls = {
        "check": lambda run: engine.check(subject, "view", resource, run=run),
        "check without resource": lambda run: engine.check(
            subject, "authentik_core.view_group", run=run
        ),
        "check_many": lambda run: engine.check_many(questions, run=run),
        "list_subjects": lambda run: engine.list_subjects("view", resource, limit=50, run=run),
        "list_resources": lambda run: engine.list_resources(
            subject, "view", "authentik_core.group", limit=50, run=run
        ),
        "list_actions": lambda run: engine.list_actions(subject, resource, run=run),
    }
    for name, call in calls.items():
        call(recording(name, running.rows))
    wrapped = dict(seen)
    for name, (text, parameters) in wrapped.items():
        statement, more = _behind_a_caller(text, parameters)
        seen[f"{name}{BEHIND}"] = statement, more
    return seen


def _behind_a_caller(text, parameters):
    seen = []
    caller = Caller(f"key-of-{User.objects.order_by('pk').first().username}")
    original = running.rows

    def recorded(statement, given, **kwargs):
        seen.append((statement, given))
        return original(statement, given, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "rows", recorded)
        caller.run(text, parameters)
    return seen[0]


def _tables_read(text, parameters):
    """Names of the tables that a plan reads from beginning to end."""
    if connection.vendor == "postgresql":
        return _read_in(_plan(text, parameters)) | _read_in(_generic_plan(text, parameters))
    with connection.cursor() as cursor:
        cursor.execute("SELECT rootpage, tbl_name FROM sqlite_master WHERE rootpage > 0")
        table_at = dict(cursor.fetchall())
        cursor.execute(f"EXPLAIN {text}", parameters)
        program = cursor.fetchall()
    table_of = {p1: table_at.get(p2) for _, code, p1, p2, *_ in program if code == "OpenRead"}
    # Both begin a walk over a whole table or index.
    begun = {p1 for _, code, p1, *_ in program if code in ("Rewind", "Last")}
    return {table_of[cursor] for cursor in begun if cursor in table_of}


def _plan(text, parameters):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {text}", parameters)
        return _decoded(cursor.fetchone()[0])


def _generic_plan(text, parameters):
    """The plan that a prepared statement keeps."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", text)))
    numbered = re.sub(r"%\((\w+)\)s", lambda m: f"${names.index(m[1]) + 1}", text)
    values = ", ".join(["%s"] * len(names))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE asked AS {numbered}".replace("%%", "%"))
        try:
            execute = f"EXPLAIN (FORMAT JSON) EXECUTE asked ({values})"
            cursor.execute(execute, [parameters[name] for name in names])
            return _decoded(cursor.fetchone()[0])
        finally:
            cursor.execute("DEALLOCATE asked")
            cursor.execute("SET LOCAL plan_cache_mode = auto")


def _decoded(plan):
    return json.loads(plan) if isinstance(plan, str) else plan


def _read_in(plan):
    found, waiting = set(), [entry["Plan"] for entry in plan]
    while waiting:
        node = waiting.pop()
        whole_index = "Index" in node["Node Type"] and "Index Cond" not in node
        if "Relation Name" in node and (node["Node Type"] == "Seq Scan" or whole_index):
            found.add(node["Relation Name"])
        waiting.extend(node.get("Plans", ()))
    return found
