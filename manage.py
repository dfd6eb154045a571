#!/usr/bin/env python
"""Command line of a checkout; the installed one is `modelhub`."""

from modelhub.command_line import main

if __name__ == "__main__":
    main("config.settings")
