"""Which functions of the project a call passes, and in which files: what a reader has to follow."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).parent.parent
PACKAGES = (
    "accounts", "api", "audit", "console", "consistency", "permissions", "rbac_service", "roles",
)  # fmt: skip
PRODUCTION = tuple(f"{ROOT / package}/" for package in PACKAGES)


@dataclass
class Passed:
    """Names of functions by file. Bodies of modules and comprehensions are no functions."""

    by_file: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @property
    def functions(self) -> int:
        return sum(map(len, self.by_file.values()))

    @property
    def files(self) -> int:
        return len(self.by_file)

    def __str__(self) -> str:
        lines = [f"{self.functions} functions in {self.files} files"]
        for file, names in sorted(self.by_file.items()):
            lines.append(f"  {file}: {', '.join(sorted(names))}")
        return "\n".join(lines)


@contextmanager
def passed() -> Iterator[Passed]:
    """In this thread alone: the hook is the thread's own, and the test client stays in it."""
    seen = Passed()

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(PRODUCTION) and code.co_name[0] != "<":
            file = str(Path(code.co_filename).relative_to(ROOT))
            seen.by_file[file].add(code.co_qualname)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(before)
