"""Django's command line, with the settings of this project."""

import os
import sys
from contextlib import nullcontext

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from config.metrics_folder import metrics_folder


def run(arguments: list[str]) -> None:
    """Run the command; settings that cannot be used are one sentence, and exit status 1."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        with metrics_folder() if arguments[1:2] == ["serve"] else nullcontext():
            execute_from_command_line(arguments)
    except ImproperlyConfigured as error:
        sys.exit(f"modelhub cannot start: {error}")
