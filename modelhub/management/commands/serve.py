"""`modelhub serve`: check, migrate, bootstrap, serve."""

import json
from argparse import ArgumentParser
from functools import partial
from importlib import import_module
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand
from django.core.servers.basehttp import get_internal_wsgi_application
from django.db import connection, connections

from modelhub.serving.bootstrap import Bootstrapped
from modelhub.serving.checks import check_port
from modelhub.serving.database import check_database, set_up_database
from modelhub.serving.options import add_options
from modelhub.serving.server import serve
from modelhub.serving.welcome import base_url, describe, welcome

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Start the server."""

    help = "Start the server: migrate, make what the first start needs, serve until stopped."
    # Run by hand below: a port in use is the first thing to report.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until stopped. Raise `ImproperlyConfigured` if the server cannot start."""
        check_port(settings.SERVE_HOST, settings.SERVE_PORT)
        # Reads or creates the file: a folder that cannot be used stops the start.
        str(settings.SECRET_KEY)
        self.check()
        if settings.TEST_CONTROLS:
            log.warning("test_controls", why="the routes below /__admin/ need no key and delete everything")
        result = None
        if options["skip_setup"]:
            check_database()
        else:
            result = set_up_database()
        # Loaded here, once, and inherited by the workers.
        import_module(settings.ROOT_URLCONF)
        application = get_internal_wsgi_application()
        # Neither connections nor the threads of a pool survive the fork of the workers.
        connections.close_all()
        if hasattr(connection, "close_pool"):
            connection.close_pool()
        serve(application, ready=partial(self.print_json if options["json"] else self.print_address, result))

    def print_address(self, result: Bootstrapped | None, port: int) -> None:
        """Print the text of the start at once; `PORT=0` has become a free port."""
        self.stdout.write(welcome(result, port=port) if result else f"modelhub is ready at {base_url(port)}\n")
        self.stdout.flush()

    def print_json(self, result: Bootstrapped | None, port: int) -> None:
        self.stdout.write(json.dumps(describe(result, port=port)))
        self.stdout.flush()
