-- Give the labels of an organization another version. Random: a restored backup never brings an old version back.
-- Row by row, because a statement may reach the labels of one organization only.
CREATE FUNCTION modelhub_renew_label_version_v1() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO modelhub_labelversion (organization_id, version)
    VALUES (coalesce(NEW.organization_id, OLD.organization_id), gen_random_uuid())
    ON CONFLICT ON CONSTRAINT modelhub_labelversion_pkey DO UPDATE SET version = excluded.version;
    RETURN NULL;
END $$
