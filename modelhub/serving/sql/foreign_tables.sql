-- A table of the schema that is neither of modelhub nor of an extension.
SELECT relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
    AND relname !~ '^(modelhub|django|auth)_'
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
LIMIT 1
