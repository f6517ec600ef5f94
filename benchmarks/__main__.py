"""Load, measure, compare: ``python -m benchmarks [SHAPE …] [--quick]``."""

from __future__ import annotations

import argparse
import importlib
import os
import shlex
import signal
import sys
import tempfile
from pathlib import Path

import psycopg

from benchmarks import database, report
from benchmarks.context import Context, Unavailable, say

SHAPES = (
    "check_over_http",
    "batches",
    "growth",
    "beside_guardian",
    "beside_casbin",
    "beside_spicedb",
    "wide_groups",
    "authentik_lists",
    "writes",
)
RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> None:
    options = _options()
    # Without this a terminated run would leave servers behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with (
        tempfile.TemporaryDirectory(prefix="rbac-bench-") as scratch,
        database.server(options.data) as server_url,
    ):
        _configure(server_url, scratch)
        context = Context(
            server_url=server_url,
            divisor=options.divisor,
            seconds=options.seconds,
            runs=options.runs,
        )
        figures, skipped = _measured(options.shapes or SHAPES, context)
        with psycopg.connect(server_url) as connection:
            [[version]] = connection.execute("SELECT split_part(version(), ' on ', 1)").fetchall()
        report.write(
            options.output,
            command=f"python -m benchmarks {shlex.join(_measuring(sys.argv[1:]))}".rstrip(),
            figures=figures,
            skipped=skipped,
            settings=database.SETTINGS,
            postgresql=version,
        )
    say(f"written to {options.output}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("shapes", nargs="*", choices=[*SHAPES, []], metavar="SHAPE")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the data, short runs")
    parser.add_argument("--divisor", type=int, help="load this fraction of the data")
    parser.add_argument("--seconds", type=float, help="length of one HTTP run (30)")
    parser.add_argument("--runs", type=int, help="HTTP runs for a median (5)")
    parser.add_argument("--data", type=Path, help="keep the databases in this directory")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    options.divisor = options.divisor or (100 if options.quick else 1)
    options.seconds = options.seconds or (2 if options.quick else 30)
    options.runs = options.runs or (3 if options.quick else 5)
    return options


def _measuring(arguments: list[str]) -> list[str]:
    """Without where data is kept and results go, which changes no figure."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--data")
    parser.add_argument("--output")
    return parser.parse_known_args(arguments)[1]


def _configure(server_url: str, scratch: str) -> None:
    """Everything the service reads, for this process and the servers it starts."""
    os.environ.update(
        {
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "DATABASE_URL": database.url_of(server_url, "postgres"),
            "RBAC_DATA_DIR": scratch,
            "RBAC_SECRET_KEY": "the-same-for-every-run-because-kept-data-has-tokens-in-it",
            "RBAC_LOG_LEVEL": "WARNING",
        }
    )
    import django

    django.setup()


def _measured(
    names: list[str] | tuple[str, ...], context: Context
) -> tuple[list[report.Figure], list[report.Skipped]]:
    figures: list[report.Figure] = []
    skipped: list[report.Skipped] = []
    for name in names:
        say(f"== {name}")
        try:
            found = importlib.import_module(f"benchmarks.shapes.{name}").measure(context)
        except Unavailable as reason:
            skipped.append(report.Skipped(shape=name, reason=str(reason)))
            say(f"   not measured: {reason}")
            continue
        for figure in found:
            say(f"   {figure.row}")
        figures.extend(found)
    return figures, skipped


main()
