"""Why somebody may do something, or may not, and what would change that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from accounts.models import Group, User
from console.drawing import Drawing
from console.forms import (
    ActionField,
    ConsoleForm,
    MomentField,
    ResourceField,
    SubjectField,
    principal_text,
)
from console.giving import Activate, AddToGroup, GiveRole, Grant
from console.pages import FormPage, QuestionPage, url_with
from console.rights import CHECK_ACCESS
from permissions.engine import (
    Decision,
    Explanation,
    NearMiss,
    Reason,
    ResourceRef,
    StepKind,
    SuggestionKind,
    explain,
)
from roles.models import Role

REASONS = {
    Reason.SUPERUSER: "is a superuser",
    Reason.USER_GLOBAL: "was granted it everywhere",
    Reason.USER_OBJECT: "was granted it on this resource",
    Reason.ROLE_GLOBAL: "holds a role that was granted it everywhere",
    Reason.ROLE_OBJECT: "holds a role that was granted it on this resource",
    Reason.NO_GRANT: "nothing that counts grants it",
    Reason.UNKNOWN_SUBJECT: "there is no such user",
    Reason.INACTIVE_SUBJECT: "the user is deactivated",
    Reason.UNKNOWN_TYPE: "there is no such type of resource",
    Reason.UNKNOWN_ACTION: "there is no such action",
}


class ExplainForm(ConsoleForm):
    subject = SubjectField(label="Who")
    action = ActionField(label="May do what")
    resource = ResourceField(
        required=False, label="On what", help_text="As shop.invoice:42. Empty: without a resource."
    )
    at = MomentField(label="At another moment (UTC)")


@dataclass(frozen=True, slots=True)
class Way:
    """A path, or what came near to one."""

    reason: str
    drawing: Drawing


@dataclass(frozen=True, slots=True)
class Change:
    """What would allow it; ``url`` leads to the form, if the caller may do that."""

    text: str
    url: str


class Explain(QuestionPage):
    title = "Explain"
    needs = CHECK_ACCESS
    template_name = "console/access/explain.html"
    form_class = ExplainForm

    def answer(self, form: Any) -> Mapping[str, Any]:
        words = form.cleaned_data
        user, resource = words["subject"], words["resource"]
        explanation = explain(user, words["action"], resource, at=words["at"])
        return {
            "sentence": sentence(user, words["action"], resource, explanation.decision),
            "explanation": explanation,
            "paths": [self._way(path, resource, explanation) for path in explanation.paths],
            "misses": [self._way(miss, resource, explanation) for miss in explanation.near_misses],
            "changes": list(self._changes(user, words["action"], resource, explanation)),
            "elsewhere": self._elsewhere(user, words["action"], resource),
        }

    def _way(self, path: Any, resource: ResourceRef | None, explanation: Explanation) -> Way:
        reason = path.text if isinstance(path, NearMiss) else REASONS[path.reason]
        return Way(reason, Drawing.of(path.steps, resource, at=explanation.at))

    def _changes(
        self, user: User, action: str, resource: ResourceRef | None, explanation: Explanation
    ) -> Iterator[Change]:
        """Those that mend what came near first; then those that the engine suggests."""
        to = principal_text(user)
        for miss in explanation.near_misses:
            yield from self._renewals(to, user, miss)
        roles = Role.objects.in_bulk([s.role for s in explanation.suggestions if s.role])
        names = {str(key): role.name for key, role in roles.items()}
        kind = resource.type if resource else ""
        for suggestion in explanation.suggestions:
            on = str(suggestion.resource) if suggestion.resource else ""
            match suggestion.kind:
                case SuggestionKind.ASSIGN_ROLE:
                    words = {"role": names.get(suggestion.role, ""), "to": to, "resource": on}
                    url = self._offer(GiveRole, words)
                case SuggestionKind.GRANT_ON_RESOURCE | SuggestionKind.GRANT_GLOBALLY:
                    words = {"to": to, "action": action, "resource": on or kind}
                    url = self._offer(Grant, words)
                case SuggestionKind.ACTIVATE_USER:
                    url = self._offer(Activate, {"user": user.username})
            yield Change(suggestion.text, url)

    def _renewals(self, to: str, user: User, miss: NearMiss) -> Iterator[Change]:
        """Of a membership or a role that the user itself had, and that is all that is missing."""
        if len(miss.hindrances) != 1 or len(miss.steps) < 2 or miss.steps[1].valid_until is None:
            return
        step = miss.steps[1]
        if step.kind is StepKind.GROUP:
            group = Group.objects.filter(pk=step.id).first()
            words = {"user": user.username, "group": group.name if group else ""}
            text = f"add {user} to {step.name} again"
            yield Change(text, self._offer(AddToGroup, words))
        elif step.kind is StepKind.ROLE and not step.scope:
            role = Role.objects.filter(pk=step.id).first()
            words = {"role": role.name if role else "", "to": to}
            yield Change(f"give {user} the role {step.name} again", self._offer(GiveRole, words))

    def _offer(self, page: type[FormPage], words: Mapping[str, str]) -> str:
        words = {name: value for name, value in words.items() if value}
        return page.offer(self.rights, words, back=self.here())

    def _elsewhere(self, user: User, action: str, resource: ResourceRef | None) -> dict[str, str]:
        """The neighbouring questions."""
        on = {"resource": str(resource)} if resource else {}
        return {
            "who": url_with("console:who-can", action=action, **on),
            "what": url_with("console:what-can", subject=user.username),
        }


def sentence(
    user: User, action: str, resource: ResourceRef | None, decision: Decision
) -> dict[str, Any]:
    """Parts of the sentence that answers; the template puts them together."""
    return {
        "allowed": decision.allowed,
        "who": user.username,
        "action": action,
        "on": str(resource) if resource else "",
        "why": REASONS[decision.reason],
    }
