-- Summarize scores of a label in one row. Inserted are the query of their columns and the columns of a group of a day,
-- which has contents where a day has a mean.
-- Contents are JSON texts. All figures come from the groups. OFFSET 0 hides the statistics of the table, which are of all
-- labels: PostgreSQL would expect a group per score, and sort.
WITH label AS NOT MATERIALIZED (
    SELECT %s::uuid AS organization_id, %s::text AS key, %s::boolean AS is_number, %s::int AS longest,
           %s::int AS most_values, %s::int AS most_people, %s::int AS most_days
), scores (value, annotator_id, score_source, source_id, created_at) AS NOT MATERIALIZED (
    {scores}
), sources AS (
    SELECT count(*) AS sources, min(first_at) AS first_at, max(last_at) AS last_at FROM (
        SELECT source_id, min(created_at) AS first_at, max(created_at) AS last_at FROM scores GROUP BY source_id
    ) AS source
), contents AS (
    SELECT CASE WHEN longest IS NULL OR length(value ->> key) <= longest THEN (value -> key)::text END AS content,
           annotator_id, score_source, date_bin('1 day', created_at, '2000-01-01Z') AS day
    FROM scores CROSS JOIN label OFFSET 0
), groups AS (
    SELECT content, annotator_id, score_source, day, count(*) AS scores, grouping(day) = 0 AS of_day
    FROM contents GROUP BY GROUPING SETS ((content, annotator_id, score_source), ({of_day}))
), grouped AS MATERIALIZED (
    SELECT content, annotator_id, score_source, day, scores, of_day,
           CASE WHEN is_number AND content ~ '^[-0-9]' THEN content::numeric END AS number
    FROM groups CROSS JOIN label
), numbers AS (
    SELECT number, scores, sum(scores) OVER (ORDER BY number) AS until, sum(scores) OVER () AS total FROM (
        SELECT number, sum(scores) AS scores FROM grouped WHERE NOT of_day AND number IS NOT NULL GROUP BY number
    ) AS number
), figures AS (
    -- Of an even number of scores, the two in the middle may have different numbers.
    SELECT max(total) AS total, trim_scale(sum(number * scores) / max(total)) AS mean,
           trim_scale((min(number) FILTER (WHERE 2 * until >= total)
                       + max(number) FILTER (WHERE 2 * (until - scores) <= total)) * 0.5) AS median,
           trim_scale(min(number)) AS minimum, trim_scale(max(number)) AS maximum
    FROM numbers
), words AS (
    SELECT content, sum(scores) AS scores FROM grouped WHERE NOT of_day AND number IS NULL GROUP BY content
), parts AS (
    SELECT to_jsonb(CASE WHEN octet_length(word) = length(word) THEN word ELSE normalize(word, NFC) END) AS part,
           sum(scores) AS scores
    FROM words CROSS JOIN label
    LEFT JOIN jsonb_path_query(content::jsonb, '$[*]') AS part ON NOT is_number AND jsonb_typeof(part) = 'string'
    LEFT JOIN LATERAL (SELECT part #>> '{}' AS word) AS plain ON true
    GROUP BY 1
), listed AS (
    (SELECT number, NULL::jsonb AS part, scores FROM numbers
     ORDER BY scores DESC, number LIMIT (SELECT most_values FROM label))
    UNION ALL
    (SELECT NULL, part, scores FROM parts WHERE part IS NOT NULL
     ORDER BY scores DESC, part LIMIT (SELECT most_values FROM label))
), people AS MATERIALIZED (
    SELECT annotator_id, sum(scores)::bigint AS scores,
           trim_scale(sum(number * scores) / sum(scores) FILTER (WHERE number IS NOT NULL)) AS mean
    FROM grouped WHERE NOT of_day GROUP BY annotator_id
), days AS (
    SELECT (day AT TIME ZONE 'UTC')::date AS day, sum(scores)::bigint AS scores,
           trim_scale(sum(number * scores) / sum(scores) FILTER (WHERE number IS NOT NULL)) AS mean
    FROM grouped WHERE of_day GROUP BY grouped.day ORDER BY grouped.day DESC LIMIT (SELECT most_days FROM label)
)
SELECT
    (SELECT coalesce(sum(scores), 0)::bigint FROM people) AS count,
    (SELECT count(*) FROM people) AS annotators,
    sources,
    ((SELECT coalesce(sum(scores), 0) FROM parts) + coalesce(total, 0))::bigint AS values,
    (SELECT json_agg(json_build_array(coalesce(part, to_jsonb(trim_scale(number))), scores::bigint))::text
     FROM listed) AS distribution,
    mean, median, minimum, maximum,
    (SELECT json_agg(json_build_array(id, name, scores, mean))::text FROM (
        SELECT person.id, coalesce(nullif(person.name, ''), person.email) AS name, scores, mean
        FROM people CROSS JOIN label
        JOIN modelhub_user AS person ON person.id = annotator_id AND person.organization_id = label.organization_id
        ORDER BY scores DESC, 2, 1 LIMIT (SELECT most_people FROM label)
    ) AS listed) AS per_annotator,
    (SELECT json_agg(json_build_array(day, scores, mean) ORDER BY day)::text FROM days) AS over_time,
    (SELECT json_object_agg(score_source, scores ORDER BY score_source)::text FROM (
        SELECT score_source, sum(scores)::bigint AS scores FROM grouped WHERE NOT of_day GROUP BY score_source
    ) AS listed) AS score_sources,
    first_at, last_at
FROM sources CROSS JOIN figures
