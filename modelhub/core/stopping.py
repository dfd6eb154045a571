"""Whether the server is about to stop: said by one process, seen by all that were forked from it."""

import mmap

# A byte of memory that forked processes share. Nobody waits for anybody: it is written once and read often.
_flag = mmap.mmap(-1, 1)


def begin() -> None:
    """From now on `/readyz` says "stopping", so that whoever balances load sends new requests elsewhere."""
    _flag[0] = 1


def begun() -> bool:
    """Whether the stop has begun."""
    return _flag[0] == 1
