"""`python -m benchmarks [--PROGRAM] [OPTIONS]`: compares, unless one of the longer programs is asked for.

The clients are processes of their own that never import this module, and so never set Django up.
"""

import os
import sys
from importlib import import_module

import django

# By flag: the module, and the data folder that it works in.
PROGRAMS = {
    "--compare": ("benchmarks.compare", ".data/bench"),
    "--profile": ("benchmarks.profile", ".data/bench"),
}


def main() -> None:
    """Set Django up on the program's folder and hand over."""
    named = len(sys.argv) > 1 and sys.argv[1] in PROGRAMS
    module, folder = PROGRAMS[sys.argv[1] if named else "--compare"]
    os.environ.setdefault("MODELHUB_DATA_DIR", folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    django.setup()
    import_module(module).main(sys.argv[2 if named else 1 :])


if __name__ == "__main__":
    main()
