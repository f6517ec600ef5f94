"""Running a driver in its own environment and reading what it reports."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

DRIVERS = Path(__file__).resolve().parent / "drivers"
SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """``failures`` by step; the operations the client has, those that answered, those refused."""

    steps: list[str]
    failures: dict[str, str]
    operations: set[str]
    answered: set[str]
    refused: set[str]
    output: str

    def explain(self) -> str:
        """What a reader of a failed test needs."""
        told = [f"--- {step}\n{error}" for step, error in self.failures.items()]
        return "\n".join([*told, self.output])

    def check(self) -> None:
        """Every step passed, and no operation was left out: each answered, or is outside."""
        assert self.steps, self.explain()
        assert not self.failures, self.explain()
        assert self.operations - self.answered == self.refused, self.explain()


def drive(command: Sequence[str | Path]) -> Drive:
    """Run a driver that prints one JSON object per line; see the drivers for their members."""
    done = subprocess.run(
        [str(part) for part in command],
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    steps = {line["step"]: line["error"] for line in lines if "step" in line}
    summary: dict[str, list[str]] = next((line for line in lines if "operations" in line), {})
    return Drive(
        steps=list(steps),
        failures={step: error for step, error in steps.items() if error},
        operations=set(summary.get("operations", ())),
        answered=set(summary.get("answered", ())),
        refused=set(summary.get("refused", ())),
        output="" if summary else f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}",
    )
