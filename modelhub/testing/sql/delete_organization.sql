-- Delete the rows of an organization. As a replica PostgreSQL runs no triggers of tables: revisions, which one of them
-- keeps append-only, can be deleted without a change of it, and no foreign key is checked. A row goes before those that
-- refer to it: a transaction that inserts one of them waits for its lock, or is waited for.
CREATE FUNCTION modelhub_testing.delete_organization(
    organization uuid, tables text[], conditions text[], OUT keys uuid[], OUT logged_in uuid[]
) LANGUAGE plpgsql SET session_replication_role = replica AS $$
BEGIN
    DELETE FROM modelhub_testing.made_organizations WHERE id = organization;
    SELECT array_agg(id) INTO keys FROM modelhub_apikey WHERE organization_id = organization;
    SELECT array_agg(id) INTO logged_in FROM modelhub_user
    WHERE organization_id = organization AND last_login IS NOT NULL;
    FOR index IN 1 .. cardinality(tables) LOOP
        EXECUTE format('DELETE FROM %I WHERE %s', tables[index], conditions[index]) USING organization;
    END LOOP;
END $$
