"""Django's PostgreSQL backend for a database that may fall silent (`ENGINE = "config.postgres"`)."""
