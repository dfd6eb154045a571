-- Refuse the scores of the labels that the session names, as a constraint would.
CREATE FUNCTION modelhub_testing.refuse_score() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.label_id::text = ANY(string_to_array(current_setting('modelhub_testing.refused_labels', true), ',')) THEN
        RAISE EXCEPTION 'refused by the test controls' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
