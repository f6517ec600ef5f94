"""The working group's interoperability scenarios, their rules written as grants.

Todo: five people of two families; viewers read, editors create todos and change their own, one
administrator changes all. Gateway: the same people, known by another system's ids, on HTTP routes.
Records: owners, departments and managers, for the three searches.
"""

from itertools import product

import pytest

pytestmark = pytest.mark.django_db

# mail address: (id at the identity provider, which is the user name; role; the todo it owns)
FAMILY = {
    "rick@the-citadel.com": ("CiRmZDA2", "admin", "92"),
    "morty@the-citadel.com": ("CiRmZDE2", "editor", "91"),
    "summer@the-smiths.com": ("CiRmZDI2", "editor", "93"),
    "beth@the-smiths.com": ("CiRmZDM2", "viewer", "94"),
    "jerry@the-smiths.com": ("CiRmZDQ2", "viewer", "95"),
}
READING = ("can_read_user", "can_read_todos")
CHANGING = ("can_update_todo", "can_delete_todo")
TODO_RIGHTS = {
    "viewer": READING,
    "editor": (*READING, "can_create_todo"),
    "admin": (*READING, "can_create_todo", *CHANGING),
}
ROUTE_RIGHTS = {
    "viewer": ("GET",),
    "editor": ("GET", "POST", "PUT", "DELETE"),
    "admin": ("GET", "POST", "PUT", "DELETE"),
}


@pytest.fixture
def family(load):
    load.type("user", "can_read_user")
    load.type("todo", "can_read_todos", "can_create_todo", *CHANGING)
    load.type("route", "GET", "POST", "PUT", "DELETE")
    roles = {name: load.role(name) for name in TODO_RIGHTS}
    for name, rights in TODO_RIGHTS.items():
        for right in rights:
            load.grant(roles[name], right, "user" if right.endswith("_user") else "todo")
        for method in ROUTE_RIGHTS[name]:
            load.grant(roles[name], method, "route")
    for mail, (identity, name, todo) in FAMILY.items():
        user = load.user(identity, email=mail)
        load.hold(roles[name], user)
        if name == "editor":
            for right in CHANGING:
                load.grant(user, right, "todo", todo)


def may_in_todo(mail, action, owner):
    role = FAMILY[mail][1]
    return action in TODO_RIGHTS[role] or (
        action in CHANGING and role == "editor" and owner == mail
    )


def test_todo(gate, family):
    asked, expected = [], []
    for mail, owner in product(FAMILY, FAMILY):
        user, todo = {"type": "user", "id": owner}, {"type": "todo", "id": FAMILY[owner][2]}
        questions = [("can_read_user", user), ("can_read_todos", {"type": "todo", "id": "todo-1"})]
        questions += [("can_create_todo", {"type": "todo", "id": "todo-1"})]
        questions += [(action, todo) for action in CHANGING]
        for action, resource in questions:
            subject = {"type": "user", "id": mail, "identity": FAMILY[mail][0]}
            question = {"subject": subject, "action": {"name": action}, "resource": resource}
            asked.append(question)
            expected.append({"decision": may_in_todo(mail, action, owner)})

    for question, decision in zip(asked, expected, strict=True):
        assert gate.post("/access/v1/evaluation", question).json() == decision, question
    batch = gate.post("/access/v1/evaluations", {"evaluations": asked}).json()
    assert batch == {"evaluations": expected}


def test_gateway(gate, family):
    routes = [
        ("GET", "/users/{userId}"),
        ("GET", "/todos"),
        ("POST", "/todos"),
        ("PUT", "/todos/{todoId}"),
        ("DELETE", "/todos/{todoId}"),
    ]
    for (identity, role, _), (method, route) in product(FAMILY.values(), routes):
        question = {
            "subject": {"type": "identity", "id": identity},
            "action": {"name": method},
            "resource": {"type": "route", "id": route},
        }
        answer = gate.post("/access/v1/evaluation", question).json()

        assert answer == {"decision": method in ROUTE_RIGHTS[role]}, question


PEOPLE = {
    "alice": ("manager", "Sales"),
    "bob": ("employee", "Legal"),
    "carol": ("contractor", "Legal"),
    "dan": ("manager", "Finance"),
    "erin": ("employee", "Finance"),
    "felix": ("contractor", "Accounting"),
}
DEPARTMENTS = {
    "Legal": (101, 102, 103, 105, 108, 112, 116, 117, 119),
    "Accounting": (104, 106, 109, 111, 114, 118, 120),
    "Sales": (107, 110, 113),
    "Finance": (115,),
}
RECORDS = {str(n): d for d, numbers in DEPARTMENTS.items() for n in sorted(numbers)}
OWNERS = {str(101 + n): list(PEOPLE)[n % len(PEOPLE)] for n in range(20)}
ACTIONS = ("view", "edit", "delete")


def may_in_records(person, action, record):
    role, department = PEOPLE[person]
    own, same = OWNERS[record] == person, RECORDS[record] == department
    return {
        "view": own or same or role == "manager",
        "edit": own or (same and role == "manager"),
        "delete": own,
    }[action]


@pytest.fixture
def records(load):
    load.type("record", *ACTIONS)
    load.resources("record", *RECORDS)
    managers = load.role("managers")
    load.grant(managers, "view", "record")
    members = {name: load.role(f"members of {name}") for name in DEPARTMENTS}
    leads = {name: load.role(f"leads of {name}") for name in DEPARTMENTS}
    users = {name: load.user(name) for name in PEOPLE}
    for name, (role, department) in PEOPLE.items():
        load.hold(members[department], users[name])
        if role == "manager":
            load.hold(managers, users[name])
            load.hold(leads[department], users[name])
    for record, department in RECORDS.items():
        load.grant(members[department], "view", "record", record)
        load.grant(leads[department], "edit", "record", record)
        for action in ACTIONS:
            load.grant(users[OWNERS[record]], action, "record", record)


def searched(gate, kind, asked):
    results = gate.post(f"/access/v1/search/{kind}", asked).json()["results"]
    return sorted(result.get("id", result.get("name")) for result in results)


def test_the_three_searches(gate, records):
    for person, action in product(PEOPLE, ACTIONS):
        subject = {"type": "user", "id": person}
        asked = {"subject": subject, "action": {"name": action}, "resource": {"type": "record"}}

        expected = [r for r in RECORDS if may_in_records(person, action, r)]
        assert searched(gate, "resource", asked) == sorted(expected)
    for action, record in product(ACTIONS, RECORDS):
        resource = {"type": "record", "id": record}
        asked = {"subject": {"type": "user"}, "action": {"name": action}, "resource": resource}

        expected = [person for person in PEOPLE if may_in_records(person, action, record)]
        # root loaded the scenario and may do everything.
        assert searched(gate, "subject", asked) == sorted([*expected, "root"])
    for person, record in product(PEOPLE, RECORDS):
        subject, resource = {"type": "user", "id": person}, {"type": "record", "id": record}

        expected = [action for action in ACTIONS if may_in_records(person, action, record)]
        asked = {"subject": subject, "resource": resource}
        assert searched(gate, "action", asked) == sorted(expected)
