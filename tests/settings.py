"""The server's own settings, with a data folder of the tests' own."""

import os

os.environ.setdefault("MODELHUB_DATA_DIR", ".data/tests")

from config.settings import *
from tests.databases import TEMPLATE

DATABASES["default"]["TEST"] = {"TEMPLATE": TEMPLATE}
# The test process holds one connection for its whole life; the servers that tests start have pools.
del DATABASES["default"]["OPTIONS"]["pool"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
