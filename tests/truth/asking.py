"""The same questions, put to the engine and to every door that answers them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from rest_framework.test import APIClient

from permissions import engine
from permissions.engine.explaining import explain
from permissions.engine.words import Question, ResourceRef, SubjectRef
from tests.truth.naive import Thing

Asked = tuple[str, str, Thing | None]  # subject, action, resource


class Asks(Protocol):
    """Lists are whole, fetched in pages. ``actions`` are names that ``check`` takes."""

    needs_resource: bool

    def check(self, asked: Asked) -> bool: ...
    def check_many(self, asked: Sequence[Asked]) -> list[bool]: ...
    def explain(self, asked: Asked) -> bool: ...
    def resources(self, subject: str, action: str, kind: str) -> list[str]: ...
    def subjects(self, action: str, thing: Thing) -> list[str]: ...
    def actions(self, subject: str, thing: Thing) -> list[str]: ...


class Engine:
    needs_resource = False

    def check(self, asked: Asked) -> bool:
        subject, action, thing = asked
        return engine.check(SubjectRef(subject), action, _ref(thing)).allowed

    def check_many(self, asked: Sequence[Asked]) -> list[bool]:
        questions = [
            Question(subject=SubjectRef(subject), action=action, resource=_ref(thing))
            for subject, action, thing in asked
        ]
        return [decision.allowed for decision in engine.check_many(questions)]

    def explain(self, asked: Asked) -> bool:
        subject, action, thing = asked
        return bool(explain(SubjectRef(subject), action, _ref(thing)).paths)

    def resources(self, subject: str, action: str, kind: str) -> list[str]:
        return list(engine.list_resources(SubjectRef(subject), action, kind).items)

    def subjects(self, action: str, thing: Thing) -> list[str]:
        return [name for _, name in engine.list_subjects(action, _ref(thing)).items]

    def actions(self, subject: str, thing: Thing) -> list[str]:
        return list(engine.list_actions(SubjectRef(subject), ResourceRef(*thing)))


class AuthZen:
    needs_resource = True

    def __init__(self, client: APIClient) -> None:
        self._client = client

    def check(self, asked: Asked) -> bool:
        return bool(self._post("evaluation", _entities(asked))["decision"])

    def check_many(self, asked: Sequence[Asked]) -> list[bool]:
        body = self._post("evaluations", {"evaluations": [_entities(one) for one in asked]})
        return [bool(evaluation["decision"]) for evaluation in body["evaluations"]]

    def explain(self, asked: Asked) -> bool:
        """AuthZEN has no such call; the decision stands in for it."""
        return self.check(asked)

    def resources(self, subject: str, action: str, kind: str) -> list[str]:
        body = {
            "subject": {"type": "user", "id": subject},
            "action": {"name": action},
            "resource": {"type": kind},
        }
        return [result["id"] for result in self._search("resource", body)]

    def subjects(self, action: str, thing: Thing) -> list[str]:
        body = {
            "subject": {"type": "user"},
            "action": {"name": action},
            "resource": _resource(thing),
        }
        return [result["id"] for result in self._search("subject", body)]

    def actions(self, subject: str, thing: Thing) -> list[str]:
        body = {"subject": {"type": "user", "id": subject}, "resource": _resource(thing)}
        return [result["name"] for result in self._search("action", body)]

    def _search(self, kind: str, body: dict[str, Any]) -> Iterable[dict[str, Any]]:
        page: dict[str, Any] = {"limit": 2}
        while True:
            answer = self._post(f"search/{kind}", {**body, "page": page})
            yield from answer["results"]
            token = answer.get("page", {}).get("next_token")
            if not token:
                return
            page = {"token": token}

    def _post(self, call: str, body: Any) -> Any:
        return _answer(self._client.post(f"/access/v1/{call}", body, format="json"))


class Native:
    needs_resource = False

    def __init__(self, client: APIClient) -> None:
        self._client = client

    def check(self, asked: Asked) -> bool:
        return bool(self._post("check", _question(asked))["allowed"])

    def check_many(self, asked: Sequence[Asked]) -> list[bool]:
        body = self._post("check", {"questions": [_question(one) for one in asked]})
        return [bool(decision["allowed"]) for decision in body["results"]]

    def explain(self, asked: Asked) -> bool:
        return bool(self._post("explain", _question(asked))["paths"])

    def resources(self, subject: str, action: str, kind: str) -> list[str]:
        body = {"subject": subject, "action": action, "resource": {"type": kind}}
        return [result["resource"]["id"] for result in self._paged("what_can", body)]

    def subjects(self, action: str, thing: Thing) -> list[str]:
        body = {"action": action, "resource": _resource(thing)}
        url = "/api/v3/rbac/access/who_can/"
        if self._client.post(url, body, format="json").status_code == 400:
            return []  # of what is not known
        return [result["username"] for result in self._paged("who_can", body)]

    def actions(self, subject: str, thing: Thing) -> list[str]:
        body = {"subject": subject, "resource": _resource(thing)}
        return [result["action"] for result in self._paged("what_can", body)]

    def _paged(self, call: str, body: dict[str, Any]) -> Iterable[dict[str, Any]]:
        following: dict[str, Any] = {}
        while True:
            answer = self._post(call, {**body, "limit": 2, **following})
            yield from answer["results"]
            if answer["next"] is None:
                return
            following = {"after": answer["next"]}

    def _post(self, call: str, body: Any) -> Any:
        url = f"/api/v3/rbac/access/{call}/"
        return _answer(self._client.post(url, body, format="json"))


def _answer(response: Any) -> Any:
    assert response.status_code == 200, response.content
    return response.json()


def _ref(thing: Thing | None) -> ResourceRef | None:
    return ResourceRef(*thing) if thing else None


def _resource(thing: Thing) -> dict[str, str]:
    return {"type": thing[0], "id": thing[1]}


def _entities(asked: Asked) -> dict[str, Any]:
    subject, action, thing = asked
    assert thing is not None
    return {
        "subject": {"type": "user", "id": subject},
        "action": {"name": action},
        "resource": _resource(thing),
    }


def _question(asked: Asked) -> dict[str, Any]:
    subject, action, thing = asked
    question: dict[str, Any] = {"subject": subject, "action": action}
    return {**question, "resource": _resource(thing)} if thing else question
