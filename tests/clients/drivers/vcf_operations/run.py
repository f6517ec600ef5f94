"""Drives every operation of PyPI's vcf-operations that belongs to the door.

    python run.py URL PASSWORD TOKEN PREFIX

PASSWORD is akadmin's, TOKEN an API token of akadmin's for the other doors. Runs in the client's own
environment. Prints one JSON object per step, then one naming the operations the client has, those
that answered and those the door refuses. A failed step does not stop the others.
"""

import inspect
import json
import sys
import traceback
import uuid

import requests
from vcf.operations import model_client as model
from vcf.operations.api import auth_client
from vcf.operations.api.auth import (
    currentuser_client,
    roles_client,
    token_client,
    usergroups_client,
    users_client,
)
from vcf.operations.api.auth.currentuser import roles_client as own_roles_client
from vcf.operations.api.auth.sources import usergroups_client as source_groups_client
from vmware.vapi.bindings.error import UnresolvedError
from vmware.vapi.bindings.stub import VapiInterface
from vmware.vapi.lib.connect import get_requests_connector
from vmware.vapi.stdlib.client.factories import StubConfigurationFactory

MODULES = {
    "": auth_client,
    "users": users_client,
    "usergroups": usergroups_client,
    "roles": roles_client,
    "token": token_client,
    "currentuser": currentuser_client,
    "currentuser.roles": own_roles_client,
    "sources.usergroups": source_groups_client,
}
OUTSIDE = {
    ".Sources.update_auth_source": {"auth_source": model.AuthSource(name="n")},
    ".Sources.add_auth_source": {"auth_source": model.AuthSource(name="n")},
    ".Sources.patch_auth_source_with_certificate_details": {
        "auth_source": model.AuthSource(name="n")
    },
    ".Sources.delete_auth_source": {"source_id": str(uuid.uuid4())},
    "users.Traversalspecs.assign_traversal_spec_to_user": {
        "user_id": str(uuid.uuid4()),
        "traversal_spec_instance": model.TraversalSpecInstance(adapter_kind="a", name="n"),
    },
    "usergroups.Traversalspecs.assign_traversal_spec_to_user_group": {
        "group_id": str(uuid.uuid4()),
        "traversal_spec_instance": model.TraversalSpecInstance(adapter_kind="a", name="n"),
    },
    "token.Exchange.exchange_ops_token_with_jwt_token": None,
    "sources.usergroups.Search.search_user_groups_for_auth_source": None,
}
HOST, GUEST = str(uuid.uuid4()), str(uuid.uuid4())


class Client:
    """Calls operations by their full name and remembers which answered."""

    def __init__(self, url, token):
        self.url, self.api_token = url, token
        self.session = requests.Session()
        self.answered = set()
        connector = get_requests_connector(
            self.session, msg_protocol="rest", url=f"{url}/suite-api"
        )
        self._config = StubConfigurationFactory.new_std_configuration(connector)

    def __call__(self, name, /, **arguments):
        place, service, method = name.rsplit(".", 2)
        found = getattr(getattr(MODULES[place], service)(self._config), method)(**arguments)
        self.answered.add(name)
        return found

    def fails(self, status, name, /, **arguments):
        """The refusal, whose body is all the client lets its caller see."""
        try:
            place, service, method = name.rsplit(".", 2)
            getattr(getattr(MODULES[place], service)(self._config), method)(**arguments)
        except UnresolvedError as refusal:
            body = refusal.get_struct_value()
            assert body.get_field("httpStatusCode").value == status, body
            return body
        raise AssertionError(f"{name} was not refused")

    def may(self, username, action, key):
        """What AuthZEN decides."""
        question = {
            "subject": {"type": "user", "id": username},
            "action": {"name": action},
            "resource": {"type": "aria.resource", "id": key},
        }
        headers = {"Authorization": f"Bearer {self.api_token}"}
        answer = requests.post(
            f"{self.url}/access/v1/evaluation", json=question, headers=headers, timeout=30
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["decision"]

    def v3(self, path):
        headers = {"Authorization": f"Bearer {self.api_token}"}
        answer = requests.get(f"{self.url}/api/v3/{path}", headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def sign_in(self, username, password):
        token = self(
            "token.Acquire.acquire_token",
            username_password=model.UsernamePassword(
                username=username, password=password, auth_source="LOCAL"
            ),
        )
        self.session.headers["Authorization"] = f"OpsToken {token.token}"
        return token


def acquires_a_token(c, w):
    assert c.sign_in("akadmin", w["password"]).validity > 1_600_000_000_000
    assert c(".Currentuser.get_current_user").username == "akadmin"


def manages_roles_and_privileges(c, w):
    w["role"] = f"{w['prefix']} Operator"
    made = c(
        ".Roles.create_user_role",
        user_role=model.UserRole(name=w["role"], privilege_keys=["object.view", "Power On VM"]),
    )
    assert (made.privilege_keys, made.system_created) == (["Power On VM", "object.view"], False)
    changed = model.UserRole(name=w["role"], description="d")
    assert c(".Roles.update_user_role", user_role=changed).description == "d"
    assert c(".Roles.get_role_by_name", role_name=w["role"]).privilege_keys == made.privilege_keys
    found = c(".Roles.get_roles", role_name=[w["role"], "ReadOnly"]).user_roles
    assert {role.name for role in found} == {w["role"], "ReadOnly"}

    def keys(method, *named):
        return c(
            f"roles.Privileges.{method}",
            role_name=w["role"],
            privilege_keys=model.PrivilegeKeys(privilege_key=list(named)),
        ).privilege_key

    assert keys("add_role_privileges", "x") == ["Power On VM", "object.view", "x"]
    assert keys("remove_role_privileges", "x") == ["Power On VM", "object.view"]
    assert keys("set_role_privileges", "object.view") == ["object.view"]
    [held] = c("roles.Privileges.get_role_privileges", role_name=w["role"]).privileges
    assert held.key == "object.view"
    c.fails(403, ".Roles.delete_user_role", role_name="ReadOnly")


def lists_the_vocabulary(c, w):
    [one] = c(".Privileges.get_available_privileges", key=["object.view"]).privileges
    assert one.key == "object.view"
    groups = c(".Privilegegroups.get_available_privilege_groups", key=None).privilege_groups
    assert "object" in [group.key for group in groups]
    specs = c(
        ".Traversalspecs.get_traversal_specs",
        adapter_kind=["VMWARE"],
        resource_kind=["vSphere World"],
        name=None,
    ).specs
    assert len(specs) == 3


def looks_at_sources(c, w):
    [local] = c(".Sources.get_auth_sources").sources
    assert c(".Sources.get_auth_source", source_id=local.id).name == "LOCAL"
    types = c(".Sourcetypes.get_auth_source_types").source_types
    assert "VIDB" in [kind.id for kind in types]
    assert c(".Sourcetypes.get_auth_source_type", source_id="LOCAL").id == "LOCAL"
    c("sources.usergroups.Synchronize.synchronize_user_groups", id=local.id)


def creates_a_user_with_a_role(c, w):
    scope = model.Scope(
        name=f"{w['prefix']} hosts", traversal_spec_instances=[tree("SPECIFIC", HOST)]
    )
    w["scope"] = c(".Scopes.create_scope", scope=scope).id
    held = model.RolePermission(role_name=w["role"], scope_id=w["scope"])
    w["username"] = f"{w['prefix']}-erin"
    user = c(
        ".Users.create_user",
        user=model.User(
            username=w["username"],
            password="first password",
            first_name="Erin",
            enabled=True,
            role_permissions=[held],
        ),
    )
    w["user"] = user.id
    assert user.role_permissions[0].scope_id == w["scope"]
    assert c.may(w["username"], "object.view", HOST)
    assert not c.may(w["username"], "object.view", GUEST)


def reads_and_changes_the_user(c, w):
    assert c(".Users.get_user", id=w["user"]).first_name == "Erin"
    find = {"id": None, "role_name": None, "username": None}
    by_name = c(".Users.get_users", **find | {"username": [w["username"]]}).users
    by_role = c(".Users.get_users", **find | {"role_name": [w["role"]]}).users
    assert [user.id for user in by_name] == [user.id for user in by_role] == [w["user"]]
    changed = model.User(id=w["user"], username=w["username"], email_address="e@example.com")
    assert c(".Users.modify_user", user=changed).email_address == "e@example.com"


def changes_a_scope(c, w):
    both = [tree("SPECIFIC", HOST), tree("PROPAGATE", GUEST)]
    scope = model.Scope(id=w["scope"], name=f"{w['prefix']} all", traversal_spec_instances=both)
    c(".Scopes.modify_scope", scope=scope)
    details = c(".Scopes.get_scope", scope_id=w["scope"])
    assert details.traversal_spec_instances[1].resource_selection[0].type == "PROPAGATE"
    assert c.may(w["username"], "object.view", GUEST)
    scopes = c(".Scopes.get_all_object_scopes").scopes_details
    assert {"All Objects", scope.name} <= {found.name for found in scopes}
    values = model.UuidValues(uuids=[w["scope"]])
    c.fails(409, ".Scopes.delete_scopes", uuid_values=values)


def assigns_role_permissions(c, w):
    def put(**permission):
        return c(
            "users.Permissions.assign_role_permission_to_user",
            user_id=w["user"],
            role_permission=model.RolePermission(role_name=w["role"], **permission),
        ).permissions

    [only] = put(allow_all_objects=False, traversal_spec_instances=[tree("PROPAGATE", HOST)])
    assert only.traversal_spec_instances[0].resource_selection[0].resource_id == [HOST]
    assert not c.may(w["username"], "object.view", GUEST)
    put(allow_all_objects=True)
    assert c.may(w["username"], "object.view", str(uuid.uuid4()))
    shown = c("users.Permissions.get_assigned_role_permissions_for_user", user_id=w["user"])
    assert shown.permissions[0].allow_all_objects is True
    users = c.v3(f"core/users/?username={w['username']}")["results"]
    held = c.v3(f"rbac/roles/?users={users[0]['pk']}")["results"]
    assert [role["name"] for role in held] == [w["role"]]
    c.fails(
        404,
        "users.Permissions.assign_role_permission_to_user",
        user_id=w["user"],
        role_permission=model.RolePermission(role_name="nobody's"),
    )


def takes_role_permissions_away(c, w):
    named = {"user_id": w["user"], "role_name": w["role"]}
    c("users.Permissions.unassigned_role_permission_from_user", **named)
    assert not c.may(w["username"], "object.view", HOST)
    c.fails(404, "users.Permissions.unassigned_role_permission_from_user", **named)


def gives_a_group_a_role(c, w):
    group = model.UserGroup(name=f"{w['prefix']} group", user_ids=[w["user"]])
    w["group"] = c(".Usergroups.create_user_group", user_group=group).id
    permission = model.RolePermission(role_name=w["role"], scope_id=w["scope"])
    c(
        "usergroups.Permissions.assign_role_permission_to_user_group",
        group_id=w["group"],
        role_permission=permission,
    )
    assert c.may(w["username"], "object.view", GUEST)
    shown = c(
        "usergroups.Permissions.get_assigned_role_permissions_for_user_group",
        group_id=w["group"],
    )
    assert shown.permissions[0].scope_id == w["scope"]
    assert c(".Usergroups.get_user_group", id=w["group"]).user_ids == [w["user"]]
    found = c(".Usergroups.get_user_groups", id=None, name=[group.name]).user_groups
    assert [one.id for one in found] == [w["group"]]


def the_user_signs_in_and_looks_around(c, w):
    admin = c.session.headers["Authorization"]
    assert c.sign_in(w["username"], "first password").token
    own = "currentuser.Permissions.get_assigned_role_permissions_for_current_user"
    assert c(own).permissions == []
    held = c("currentuser.roles.Privileges.get_current_user_role_privileges", role_name=w["role"])
    assert [privilege.key for privilege in held.privileges] == ["object.view"]
    change = model.PasswordChange(current_password="first password", new_password="second password")
    c("users.Passwordchange.change_password", password_change=change)
    c.fails(403, ".Users.get_user", id=w["user"])
    c("token.Release.release_token")
    c.fails(401, ".Currentuser.get_current_user")
    c.session.headers["Authorization"] = admin


def cleans_up(c, w):
    named = {"group_id": w["group"], "role_name": w["role"]}
    c("usergroups.Permissions.unassigned_role_permission_from_user_group", **named)
    assert not c.may(w["username"], "object.view", GUEST)
    emptied = model.UserGroup(id=w["group"], name=f"{w['prefix']} group", user_ids=[])
    c(".Usergroups.modify_user_group", user_group=emptied)
    assert c(".Usergroups.get_user_group", id=w["group"]).user_ids == []
    c(".Usergroups.delete_user_group", id=w["group"])
    other = c(".Usergroups.create_user_group", user_group=model.UserGroup(name=w["prefix"]))
    c(".Usergroups.delete_user_groups", id=[other.id])
    c(".Scopes.delete_scopes", uuid_values=model.UuidValues(uuids=[w["scope"]]))
    c(".Users.delete_user", id=w["user"])
    gone = model.User(username=f"{w['prefix']}-x", password="long enough")
    c(".Users.delete_users", id=[c(".Users.create_user", user=gone).id])
    c.fails(404, ".Users.get_user", id=w["user"])
    c(".Roles.delete_user_role", role_name=w["role"])
    c.fails(404, ".Roles.get_role_by_name", role_name=w["role"])


def is_refused_what_is_not_offered(c, w):
    for name, arguments in OUTSIDE.items():
        if arguments is not None:
            status = 404 if "Traversalspecs" in name else 405
            c.fails(status, name, **arguments)


STEPS = [
    acquires_a_token,
    manages_roles_and_privileges,
    lists_the_vocabulary,
    looks_at_sources,
    creates_a_user_with_a_role,
    reads_and_changes_the_user,
    changes_a_scope,
    assigns_role_permissions,
    takes_role_permissions_away,
    gives_a_group_a_role,
    the_user_signs_in_and_looks_around,
    cleans_up,
    is_refused_what_is_not_offered,
]


def tree(kind, *keys):
    return model.TraversalSpecInstance(
        adapter_kind="VMWARE",
        resource_kind="vSphere World",
        name="vSphere Hosts and Clusters",
        resource_selection=[model.ResourceSelection(type=kind, resource_id=list(keys))],
        select_all_resources=False,
    )


def operations():
    """Every operation of the client's modules, by full name."""
    return sorted(
        f"{place}.{service}.{method}"
        for place, module in MODULES.items()
        for service, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, VapiInterface) and kind is not VapiInterface
        for method, member in vars(kind).items()
        if inspect.isfunction(member) and not method.startswith("_")
    )


def failure(step, *arguments):
    """What went wrong, or nothing."""
    try:
        step(*arguments)
    except UnresolvedError as refusal:
        return f"{traceback.format_exc()}\n{refusal.get_struct_value()}"
    except Exception:  # noqa: BLE001  one step's failure is reported, the next ones still run
        return traceback.format_exc()
    return None


def say(**line):
    sys.stdout.write(json.dumps(line) + "\n")


def main():
    url, password, token, prefix = sys.argv[1:]
    client, world = Client(url, token), {"password": password, "prefix": prefix}
    for step in STEPS:
        say(step=step.__name__, error=failure(step, client, world))
    say(operations=operations(), answered=sorted(client.answered), refused=sorted(OUTSIDE))


main()
