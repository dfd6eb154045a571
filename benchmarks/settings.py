"""The server's own settings, with textbook, bare and floor mounted beside the API."""

from config.settings import *  # noqa: F403 - Django's way of building on other settings

ROOT_URLCONF = "benchmarks.urls"
