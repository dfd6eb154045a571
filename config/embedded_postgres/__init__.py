"""Django database backend that starts its own PostgreSQL (`ENGINE = "config.embedded_postgres"`)."""
