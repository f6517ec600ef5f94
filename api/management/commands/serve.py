import socket
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from socket import SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS
from granian.constants import Interfaces, Loops
from granian.log import LogLevels
from granian.server import Server

# Seconds a worker has to finish its requests after a signal.
GRACE = 10


def up_to(most: int) -> Callable[[str], int]:
    """Whole numbers from 1, as the settings of the same meaning take."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and 1 <= int(text[:6]) <= most):
            raise ArgumentTypeError(f"a whole number from 1 to {most} is needed")
        return int(text)

    return parse


def require_free(host: str, port: int) -> None:
    """granian's workers would end one after the other and say no more than that they did."""
    try:
        [(family, kind, _, _, address), *_] = socket.getaddrinfo(host, port, type=SOCK_STREAM)
        with socket.socket(family, kind) as probe:
            probe.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise CommandError(f"cannot listen on {host}, port {port}: {error.strerror}") from None


class Command(BaseCommand):
    help = "Serve HTTP until interrupted."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="0.0.0.0", help="address to listen on")  # noqa: S104  a service is reached from other machines
        parser.add_argument("--port", type=up_to(65535), default=settings.PORT)
        parser.add_argument("--workers", type=up_to(256), default=settings.RBAC_WORKERS)

    def get_check_kwargs(self, options: dict[str, Any]) -> Any:
        """With the checks that need the database; a bad answer stops the start."""
        return {**super().get_check_kwargs(options), "databases": [DEFAULT_DB_ALIAS]}

    def handle(self, *args: Any, **options: Any) -> None:
        require_free(options["host"], options["port"])
        server = Server(
            "rbac_service.wsgi:application",
            address=options["host"],
            port=options["port"],
            # Views are plain synchronous Django: WSGI calls them without an event loop between.
            # Processes scale; the few threads of each let quick requests pass slow ones, and a
            # thread keeps its database connection.
            interface=Interfaces.WSGI,
            loop=Loops.asyncio,
            workers=options["workers"],
            blocking_threads=settings.RBAC_THREADS,
            # The longest granian allows: an idle thread that ends takes its connection with it.
            blocking_threads_idle_timeout=600,
            websockets=False,
            respawn_failed_workers=True,
            workers_kill_timeout=GRACE,
            log_access=False,
            log_level=LogLevels.warning,
        )
        self.stdout.write(f"Serving on {settings.RBAC_PUBLIC_URL} (stop with Ctrl-C)")
        self.stdout.flush()
        server.serve()
