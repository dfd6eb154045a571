-- Delete the rows of organizations from these tables. As a replica, PostgreSQL runs no trigger of a table: revisions,
-- which a trigger keeps append-only, can be deleted without a change of that trigger, and foreign keys cost nothing.
CREATE FUNCTION modelhub_testing.delete_organization(organization uuid, tables text[]) RETURNS void LANGUAGE plpgsql
SET session_replication_role = replica AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY tables LOOP
        EXECUTE format('DELETE FROM %I WHERE organization_id = $1', name) USING organization;
    END LOOP;
END $$
