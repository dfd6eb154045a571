-- Copy the rows of an organization, for `restore_organization`.
CREATE FUNCTION modelhub_testing.keep_organization(organization uuid, tables text[], conditions text[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR index IN 1 .. cardinality(tables) LOOP
        EXECUTE format('CREATE TABLE modelhub_testing.%I (LIKE %I)', 'kept_' || tables[index], tables[index]);
        EXECUTE format(
            'INSERT INTO modelhub_testing.%I SELECT * FROM %I WHERE %s',
            'kept_' || tables[index], tables[index], conditions[index]
        ) USING organization;
    END LOOP;
END $$
