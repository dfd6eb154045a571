"""Settings of the baseline: modelhub's tables and connection pool, and nothing else of modelhub."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.baseline"
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
REST_FRAMEWORK = {}
