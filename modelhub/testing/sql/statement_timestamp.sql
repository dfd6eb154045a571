CREATE FUNCTION modelhub_testing.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        nullif(current_setting('modelhub_testing.now', true), '')::timestamptz,
        pg_catalog.statement_timestamp() + nullif(current_setting('modelhub_testing.offset', true), '')::interval,
        pg_catalog.statement_timestamp()
    )
$$
