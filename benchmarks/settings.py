"""The server's own settings, with the textbook version and the floor mounted beside the API."""

from config.settings import *  # noqa: F403 - Django's way of building on other settings

ROOT_URLCONF = "benchmarks.urls"
