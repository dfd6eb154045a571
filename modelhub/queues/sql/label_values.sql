-- Count a queue's scores per attached label and value, each option of several by itself: the %(most)s most frequent
-- values, and a null for the others. Texts of more than 255 characters are among the others.
-- Stored values are grouped first: few differ, and each is looked into once.
WITH stored AS (
    SELECT label_id, value, count(*) AS scores FROM modelhub_score
    WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s AND deleted_at IS NULL
    GROUP BY label_id, value
), parts AS (
    SELECT label_id, part, sum(scores)::bigint AS scores, length(part #>> '{}') > 255 AS is_long
    FROM stored JOIN json_to_recordset(%(labels)s::json) AS label (id uuid, key text) ON label.id = label_id
    CROSS JOIN jsonb_path_query(value -> label.key, '$[*]') AS part
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
