-- Show the time of a clock in this session: that of a frozen one, or the difference of a running one; or empty texts for
-- the real time. PostgreSQL plans statements again whose functions another search_path finds elsewhere.
CREATE FUNCTION modelhub_testing.set_clock(frozen_at text, difference text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('modelhub_testing.now', frozen_at, false);
    PERFORM set_config('modelhub_testing.offset', difference, false);
    IF NOT starts_with(current_setting('search_path'), 'modelhub_testing,') THEN
        PERFORM set_config('search_path', 'modelhub_testing, pg_catalog, ' || current_setting('search_path'), false);
    END IF;
END $$
