"""Command line as `python -m modelhub`."""

from modelhub.command_line import main

main()
