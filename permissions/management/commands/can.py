from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from datetime import UTC, datetime
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from permissions import engine
from permissions.engine import Decision, Explanation, SubjectRef, explain
from permissions.management.printing import AnsweringCommand, resource, way


class Command(AnsweringCommand):
    help = "Say whether a subject may do an action on a resource, and why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("subject", help="user name, uuid, external id or e-mail address")
        parser.add_argument("action", help="view, view_invoice or shop.view_invoice")
        parser.add_argument("resource", nargs="?", help="shop.invoice:42; without it: everywhere")
        parser.add_argument(
            "--explain", action="store_true", help="every path, or the nearest misses"
        )
        parser.add_argument("--at", type=_moment, help="another moment, as 2030-01-31T12:00")

    def handle(self, *args: Any, **options: Any) -> None:
        subject, action = SubjectRef(options["subject"]), options["action"]
        on = resource(options["resource"]) if options["resource"] else None
        question = f"{subject.id} {action}{f' on {on}' if on else ''}"
        if options["explain"]:
            explanation = explain(subject, action, on, at=options["at"])
            self._answer(question, explanation.decision, explanation, options["json"])
        else:
            decision = engine.check(subject, action, on, at=options["at"])
            self._answer(question, decision, None, options["json"])

    def _answer(
        self, question: str, decision: Decision, explanation: Explanation | None, as_json: bool
    ) -> None:
        if as_json:
            self.say_json(explanation or decision)
        else:
            word, style = ("allowed", "green") if decision.allowed else ("denied", "red")
            self.say(Text.assemble((word, style), f" ({decision.reason}): {question}"))
            self.say(*_reasons(explanation) if explanation else ())
        self.finish(found=decision.allowed)


def _reasons(explanation: Explanation) -> list[RenderableType]:
    said: list[RenderableType] = [way(str(path.reason), path.steps) for path in explanation.paths]
    if not explanation.complete:
        said.append(Text("and more paths than can be shown"))
    said += [way(f"nearly: {miss.text}", miss.steps) for miss in explanation.near_misses]
    if explanation.actions:
        said.append(Text(f"known actions: {', '.join(explanation.actions)}"))
    if explanation.suggestions:
        said.append(Text("what would allow it:"))
        said += [Text(f"  {suggestion.text}") for suggestion in explanation.suggestions]
    return said


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError("a moment such as 2030-01-31T12:00 is needed") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
