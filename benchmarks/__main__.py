"""`python -m benchmarks [--PROGRAM] [OPTIONS]`: compares, unless one of the longer programs is asked for."""

import sys
from importlib import import_module

PROGRAMS = ("compare", "profile", "load", "soak", "scale", "reading")


def main() -> None:
    """Hand over to the program's own `main`."""
    first = sys.argv[1].removeprefix("--") if len(sys.argv) > 1 else ""
    name = first if first in PROGRAMS else PROGRAMS[0]
    import_module(f"benchmarks.{name}").main(sys.argv[1 + (first in PROGRAMS) :])


if __name__ == "__main__":
    main()
