"""Django database backend of a server with `DATABASE_URL`."""
