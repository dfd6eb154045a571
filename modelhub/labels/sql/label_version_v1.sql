ALTER TABLE modelhub_labelversion ADD CONSTRAINT labelversion_organization
    FOREIGN KEY (organization_id) REFERENCES modelhub_organization ON DELETE CASCADE;
CREATE FUNCTION modelhub_labels_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO modelhub_labelversion (organization_id, version)
    SELECT organization_id, gen_random_uuid()
    FROM (SELECT DISTINCT organization_id FROM changed ORDER BY organization_id) AS organizations
    ON CONFLICT (organization_id) DO UPDATE SET version = excluded.version;
    RETURN NULL;
END $$;
CREATE TRIGGER labels_inserted AFTER INSERT ON modelhub_label
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION modelhub_labels_changed();
CREATE TRIGGER labels_updated AFTER UPDATE ON modelhub_label
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION modelhub_labels_changed();
CREATE TRIGGER labels_deleted AFTER DELETE ON modelhub_label
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION modelhub_labels_changed();
