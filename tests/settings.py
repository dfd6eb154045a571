"""The settings of the server, changed for the test process."""

import os

os.environ.setdefault("MODELHUB_DATA_DIR", ".data/tests")

from config.settings import *
from tests.databases import TEMPLATE

DATABASES["default"]["TEST"] = {"TEMPLATE": TEMPLATE}
# The test process needs one connection; the servers that tests start have pools.
del DATABASES["default"]["OPTIONS"]["pool"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
