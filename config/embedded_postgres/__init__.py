"""Django database backend that starts its own PostgreSQL."""
