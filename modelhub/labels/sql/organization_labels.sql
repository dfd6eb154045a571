-- An organization's labels, deleted ones included, with the version of them all at the same moment.
-- The given ids come first; the version is returned even where the organization has no label.
SELECT coalesce(
           (SELECT version FROM modelhub_labelversion WHERE organization_id = %(organization_id)s),
           '00000000-0000-0000-0000-000000000000'
       )::text,
       id::text, name, type, settings::text, deleted_at IS NOT NULL
FROM (SELECT) AS once LEFT JOIN modelhub_label ON organization_id = %(organization_id)s AND created_at > '-infinity'
ORDER BY id = ANY(%(label_ids)s::uuid[]) DESC
LIMIT %(limit)s
