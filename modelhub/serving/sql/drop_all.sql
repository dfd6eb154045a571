-- Drop all tables and functions of modelhub before a restore creates them again.
DO $$
DECLARE
    command text;
BEGIN
    FOR command IN
        SELECT format('DROP TABLE %s CASCADE', oid::regclass) FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
            AND relname ~ '^(modelhub|django|auth)_'
        UNION ALL
        SELECT format('DROP ROUTINE %s CASCADE', oid::regprocedure) FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND proname ~ '^modelhub_'
    LOOP
        EXECUTE command;
    END LOOP;
END $$
