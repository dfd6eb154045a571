CREATE FUNCTION modelhub_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'revisions are append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER revisions_are_append_only BEFORE UPDATE OR DELETE ON modelhub_scorerevision
    FOR EACH ROW EXECUTE FUNCTION modelhub_refuse_change();
