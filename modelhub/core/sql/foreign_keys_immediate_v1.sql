DO $$
DECLARE foreign_key record;
BEGIN
    FOR foreign_key IN
        SELECT conrelid::regclass AS own_table, conname FROM pg_constraint
        WHERE contype = 'f' AND condeferred AND conrelid::regclass::text LIKE 'modelhub\_%'
    LOOP
        EXECUTE format(
            'ALTER TABLE %s ALTER CONSTRAINT %I DEFERRABLE INITIALLY IMMEDIATE',
            foreign_key.own_table, foreign_key.conname
        );
    END LOOP;
END $$;
