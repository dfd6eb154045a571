#!/usr/bin/env python
"""Django's command line: `python manage.py help` lists the commands."""

import os
import sys
from contextlib import nullcontext

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from config.metrics_folder import metrics_folder

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        with metrics_folder() if sys.argv[1:2] == ["serve"] else nullcontext():
            execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"modelhub cannot start: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
