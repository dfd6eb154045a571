-- A score and its source are of one organization: one foreign key of two columns, cheaper than two.
ALTER TABLE modelhub_score ADD CONSTRAINT score_source_of_organization
    FOREIGN KEY (organization_id, source_id) REFERENCES modelhub_source (organization_id, id);
