from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from permissions import engine
from permissions.engine import SubjectRef, explain
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
        parser.add_argument("--at", type=moment, help="another moment, as 2030-01-31T12:00")

    def handle(self, *args: Any, **options: Any) -> None:
        subject, action = SubjectRef(options["subject"]), options["action"]
        on = resource(options["resource"]) if options["resource"] else None
        question = f"{subject.id} {action}{f' on {on}' if on else ''}"
        explanation = explain(subject, action, on, at=options["at"]) if options["explain"] else None
        if explanation:
            decision = explanation.decision
        else:
            decision = engine.check(subject, action, on, at=options["at"])
        if options["json"]:
            self.say_json(explanation or decision)
        else:
            word, style = ("allowed", "green") if decision.allowed else ("denied", "red")
            self.say(Text.assemble((word, style), f" ({decision.reason}): {question}"))
        if explanation and not options["json"]:
            self.say(*(way(str(path.reason), path.steps) for path in explanation.paths))
            if not explanation.complete:
                self.say(Text("and more paths than can be shown"))
            self.say(*(way(f"nearly: {miss.text}", miss.steps) for miss in explanation.near_misses))
            if explanation.actions:
                self.say(Text(f"known actions: {', '.join(explanation.actions)}"))
            if explanation.suggestions:
                self.say(Text("what would allow it:"))
                self.say(*(Text(f"  {suggestion.text}") for suggestion in explanation.suggestions))
        self.finish(found=decision.allowed)


def moment(text: str) -> datetime:
    """For argparse; a moment without a time zone is in UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError("a moment such as 2030-01-31T12:00 is needed") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
