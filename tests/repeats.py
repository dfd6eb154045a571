"""Repetitions of tests: few in `make test`, more in `make faults`.

FAULT_KILLS, FAULT_EXAMPLES and FAULT_SEED say how many and which.
"""

import os

SEED = int(os.environ.get("FAULT_SEED", "1"))
# From this number of kills on, tests also wait longer and run in every variant.
LONG = int(os.environ.get("FAULT_KILLS", "0")) >= 30


def faults(default: int) -> int:
    """Return the number of faults of a kind."""
    return int(os.environ.get("FAULT_KILLS", default))


def examples(default: int) -> int:
    """Return the number of examples that hypothesis makes."""
    return int(os.environ.get("FAULT_EXAMPLES", default))
