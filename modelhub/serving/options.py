"""Options of `serve`, applied before Django reads its settings."""

import os
import re
import sys
from argparse import ArgumentParser
from collections.abc import Mapping

from modelhub.serving.ephemeral import use_temporary_folder
from modelhub.serving.processes import stop_with


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--host", help="address to listen on, in place of HOST")
    parser.add_argument("--port", help="port to listen on, in place of PORT; 0 is a free one")
    parser.add_argument(
        "--test-controls", action="store_true", help="routes below /__admin/ for tests, as MODELHUB_TEST_CONTROLS=true"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON line when ready: address, keys and ids")
    parser.add_argument("--stop-with", metavar="PID", help="stop when this process has ended")
    setup = parser.add_mutually_exclusive_group()
    setup.add_argument("--skip-setup", action="store_true", help="neither migrate nor bootstrap")
    setup.add_argument(
        "--ephemeral", action="store_true", help="with new data, removed at the end; ignores DATABASE_URL"
    )


def apply_options(arguments: list[str]) -> dict[str, str]:
    """Set up process and environment, or exit with a sentence.

    Return the given options by the settings that they replace.
    """
    parser = ArgumentParser(prog="modelhub serve", add_help=False)
    add_options(parser)
    options, _ = parser.parse_known_args(arguments)
    if options.stop_with is not None:
        stop_with(options.stop_with)
    given = {}
    for name, option, value in (
        ("HOST", "--host", options.host),
        ("PORT", "--port", options.port),
        ("MODELHUB_TEST_CONTROLS", "--test-controls", "true" if options.test_controls else None),
    ):
        if value is not None:
            os.environ[name] = value
            os.environ.pop(f"{name}_FILE", None)
            given[name] = option
    if options.ephemeral:
        try:
            use_temporary_folder()
        except OSError as error:
            sys.exit(f"modelhub cannot start: no temporary folder can be made for --ephemeral: {error.strerror}.")
    return given


def name_options(sentence: str, given: Mapping[str, str]) -> str:
    """Return a sentence about settings with the options in place of their names."""
    for name, option in given.items():
        # Not in a quoted value.
        sentence = re.sub(rf'(?<!["\w]){name}\b', option, sentence)
    return sentence
