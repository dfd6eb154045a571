#!/usr/bin/env python
"""Django's command line: `python manage.py help` lists the commands."""

import sys
from contextlib import nullcontext
from importlib import import_module

from modelhub.serving.starting import stoppable

if __name__ == "__main__":
    try:
        with stoppable() if sys.argv[1:2] == ["serve"] else nullcontext():
            # Not before: importing Django takes a third of a second, and whoever stops us then is heard already.
            import_module("config.command_line").run(sys.argv)
    except KeyboardInterrupt:
        sys.exit(130)
