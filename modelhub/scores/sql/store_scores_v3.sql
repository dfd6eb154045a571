CREATE FUNCTION modelhub_store_scores_v3(
    labels_version uuid, of_organization uuid, of_type text, of_key text, of_annotator uuid,
    of_item uuid, of_queue uuid, ids uuid[], label_ids uuid[], contents json,
    OUT outcome text, OUT registered_as text, OUT stored_at text, OUT stored_before text
)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
DECLARE
    of_source uuid;
    moment timestamptz;
    iso CONSTANT text := 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"';
BEGIN
    PERFORM modelhub_share_labels_v1(of_organization);
    IF labels_version <> coalesce(
        (SELECT version FROM modelhub_labelversion WHERE organization_id = of_organization),
        uuid '00000000-0000-0000-0000-000000000000'
    ) THEN
        outcome := 'labels_changed';
        RETURN;
    END IF;

    SELECT id, source_id INTO of_source, registered_as FROM modelhub_source
    WHERE organization_id = of_organization AND source_type = of_type AND source_key = of_key
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'source_not_found';
        RETURN;
    END IF;

    outcome := 'stored';
    moment := clock_timestamp();
    stored_at := to_char(moment AT TIME ZONE 'UTC', iso);
    PERFORM FROM modelhub_score
    WHERE organization_id = of_organization AND source_id = of_source AND annotator_id = of_annotator
        AND label_id = ANY(label_ids) AND queue_item IS NOT DISTINCT FROM of_item AND deleted_at IS NULL
    LIMIT 1;
    IF NOT FOUND THEN
        INSERT INTO modelhub_score (id, organization_id, source_id, label_id, annotator_id, queue_item, queue_id,
                                    value, score_source, notes, created_at, updated_at)
        SELECT id, of_organization, of_source, label_id, of_annotator, of_item, of_queue,
               value, score_source, coalesce(notes, ''), moment, moment
        FROM ROWS FROM (
            unnest(ids), unnest(label_ids), json_to_recordset(contents) AS (value jsonb, score_source text, notes text)
        ) AS given (id, label_id, value, score_source, notes);
        RETURN;
    END IF;

    WITH wanted AS MATERIALIZED (
        SELECT given.id, given.label_id, given.value, given.score_source,
               old.id AS old_id, old.value AS old_value, old.score_source AS old_score_source, old.notes AS old_notes,
               old.updated_by_id AS old_updated_by,
               coalesce(given.notes, old.notes, '') AS notes,
               coalesce(old.created_at, moment) AS created_at, old.updated_at,
               CASE WHEN old.updated_at BETWEEN moment AND moment + interval '1 minute'
                   THEN old.updated_at + interval '1 microsecond' ELSE moment END AS changed_at,
               old.value IS DISTINCT FROM given.value OR old.score_source IS DISTINCT FROM given.score_source
                   OR old.notes IS DISTINCT FROM coalesce(given.notes, old.notes) AS differs
        FROM ROWS FROM (
            unnest(ids), unnest(label_ids), json_to_recordset(contents) AS (value jsonb, score_source text, notes text)
        ) AS given (id, label_id, value, score_source, notes)
        LEFT JOIN LATERAL (
            SELECT * FROM modelhub_score
            WHERE organization_id = of_organization AND source_id = of_source AND label_id = given.label_id
                AND annotator_id = of_annotator AND queue_item IS NOT DISTINCT FROM of_item AND deleted_at IS NULL
            OFFSET 0
        ) AS old ON true
    ), kept AS (
        INSERT INTO modelhub_scorerevision
            (id, organization_id, score_id, value, score_source, notes, updated_by_id, action, replaced_by_id,
             created_at)
        SELECT id, of_organization, old_id, old_value, old_score_source, old_notes, old_updated_by, 'overwritten',
               of_annotator, changed_at
        FROM wanted WHERE differs AND old_id IS NOT NULL
    ), written AS (
        INSERT INTO modelhub_score AS score (id, organization_id, source_id, label_id, annotator_id, queue_item,
                                             queue_id, value, score_source, notes, created_at, updated_at)
        SELECT coalesce(old_id, id), of_organization, of_source, label_id, of_annotator, of_item,
               of_queue, value, score_source, notes, created_at, changed_at
        FROM wanted WHERE differs
        ON CONFLICT ON CONSTRAINT modelhub_score_pkey DO UPDATE SET
            value = excluded.value, score_source = excluded.score_source,
            notes = excluded.notes, updated_at = excluded.updated_at, updated_by_id = NULL
        WHERE score.organization_id = of_organization
    )
    SELECT json_agg(json_build_array(
        label_id, old_id, differs, CASE WHEN NOT differs THEN old_value END, notes,
        to_char(created_at AT TIME ZONE 'UTC', iso),
        to_char(CASE WHEN differs THEN changed_at ELSE updated_at END AT TIME ZONE 'UTC', iso),
        CASE WHEN NOT differs THEN (
            SELECT json_build_array(id, coalesce(nullif(name, ''), email), email) FROM modelhub_user
            WHERE id = old_updated_by AND organization_id = of_organization
        ) END
    ))::text INTO stored_before FROM wanted WHERE old_id IS NOT NULL;
END $$
