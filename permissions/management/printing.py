"""What the commands share: answers as tables and trees for people, or as JSON for programs.

The exit status is 0 for yes or something found, 1 for no or nothing, 2 for a command that makes no
sense.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from permissions.engine import ResourceRef, Step, StepKind, resource_named

BAD_USAGE = 2
STYLES = {StepKind.USER: "bold", StepKind.GROUP: "cyan", StepKind.ROLE: "magenta"}


class AnsweringCommand(BaseCommand):
    """Answers with ``say`` or ``say_json``, then ends with ``finish``."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument("--json", action="store_true", help="answer with one JSON document")
        return parser

    def say(self, *things: RenderableType) -> None:
        out = StringIO()
        # Without a terminal lines are not broken: programs that look for a name find it whole.
        width = None if self.stdout.isatty() else 1_000
        console = Console(file=out, width=width, force_terminal=self.stdout.isatty())
        for thing in things:
            console.print(thing, highlight=False, soft_wrap=isinstance(thing, Text))
        # Rich fills lines up to the width, which would show in whatever they are copied to.
        lines = (f"{line.rstrip()}\n" for line in out.getvalue().splitlines())
        self.stdout.write("".join(lines), ending="")

    def say_json(self, answer: Any) -> None:
        self.stdout.write(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode())

    def finish(self, *, found: bool) -> None:
        if not found:
            sys.exit(1)


def positive(text: str) -> int:
    """For argparse, which says what is wrong and ends with status 2."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def resource(text: str) -> ResourceRef:
    """Raises CommandError for an empty key."""
    if text.endswith(":"):
        raise CommandError(f"{text} names no resource.", returncode=BAD_USAGE)
    return resource_named(text)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    grid = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    return grid


def way(title: str, steps: Iterable[Step]) -> Tree:
    """The steps from the subject to the grant, each below the one that leads to it."""
    root = Tree(Text(title))
    branch = root
    for step in steps:
        name = (step.name or step.id, STYLES.get(step.kind, "green"))
        label = Text.assemble(f"{step.kind} ", name)
        for more in (step.detail, step.scope and f"in {step.scope}"):
            label.append(f", {more}" if more else "")
        if step.valid_until:
            label.append(f", until {step.valid_until:%Y-%m-%d %H:%M} UTC")
        branch = branch.add(label)
    return root
