-- Delete the rows of all organizations, then insert those that `keep_organization` has copied.
CREATE FUNCTION modelhub_testing.restore_organization(tables text[])
RETURNS void LANGUAGE plpgsql SET session_replication_role = replica AS $$
BEGIN
    DELETE FROM modelhub_testing.made_organizations;
    FOR index IN 1 .. cardinality(tables) LOOP
        EXECUTE format('DELETE FROM %I', tables[index]);
        EXECUTE format('INSERT INTO %I SELECT * FROM modelhub_testing.%I', tables[index], 'kept_' || tables[index]);
    END LOOP;
END $$
