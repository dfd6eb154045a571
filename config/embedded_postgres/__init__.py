"""A Django database backend that brings its own PostgreSQL (`ENGINE = "config.embedded_postgres"`)."""
