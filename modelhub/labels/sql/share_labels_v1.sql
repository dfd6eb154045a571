-- Keep an organization's labels unchanged until the transaction ends. A function, so that on a distributed database the
-- lock is taken by the node of the organization.
CREATE FUNCTION modelhub_share_labels_v1(organization uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(modelhub_labels_lock_v1(organization));
END $$
