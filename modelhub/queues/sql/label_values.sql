-- Count a queue's scores per attached label and value, each option of several by itself: the %(most)s most frequent
-- values, and a null for the others. Texts of more than 255 characters are among the others.
WITH contents AS (
    SELECT score.label_id, score.value -> label.key AS content, count(*) AS scores
    FROM json_to_recordset(%(labels)s::json) AS label (id uuid, key text)
    JOIN modelhub_score AS score ON score.label_id = label.id
    WHERE score.organization_id = %(organization_id)s AND score.queue_id = %(queue_id)s AND score.deleted_at IS NULL
    GROUP BY score.label_id, content
), parts AS (
    SELECT label_id, part, sum(scores)::bigint AS scores, length(part #>> '{}') > 255 AS is_long
    FROM contents CROSS JOIN jsonb_path_query(content, '$[*]') AS part
    GROUP BY label_id, part
), ranked AS (
    SELECT label_id, scores,
           CASE WHEN NOT is_long
               AND row_number() OVER (PARTITION BY label_id ORDER BY is_long, scores DESC, part) <= %(most)s
               THEN part END AS part
    FROM parts
)
SELECT label_id::text, part::text, sum(scores)::bigint FROM ranked
GROUP BY label_id, part ORDER BY label_id, sum(scores) DESC, part
