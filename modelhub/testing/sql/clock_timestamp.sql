CREATE FUNCTION modelhub_testing.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT coalesce(
        nullif(current_setting('modelhub_testing.now', true), '')::timestamptz,
        pg_catalog.clock_timestamp() + nullif(current_setting('modelhub_testing.offset', true), '')::interval,
        pg_catalog.clock_timestamp()
    )
$$
