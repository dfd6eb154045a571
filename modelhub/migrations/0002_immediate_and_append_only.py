"""Two things that Django's models cannot say: when foreign keys are checked, and that revisions only grow."""

from django.db import migrations

# Django's foreign keys are checked at COMMIT, outside of every savepoint, where one missing row would take all
# scores of a request along. Initially immediate, the statement that breaks one fails, inside its savepoint.
IMMEDIATE = """
DO $$
DECLARE foreign_key record;
BEGIN
    FOR foreign_key IN
        SELECT conrelid::regclass AS own_table, conname FROM pg_constraint
        WHERE contype = 'f' AND condeferred AND conrelid::regclass::text LIKE 'modelhub\\_%'
    LOOP
        EXECUTE format(
            'ALTER TABLE %s ALTER CONSTRAINT %I DEFERRABLE INITIALLY IMMEDIATE',
            foreign_key.own_table, foreign_key.conname
        );
    END LOOP;
END $$;
"""

APPEND_ONLY = """
CREATE FUNCTION modelhub_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'revisions are append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER revisions_are_append_only BEFORE UPDATE OR DELETE ON modelhub_scorerevision
    FOR EACH ROW EXECUTE FUNCTION modelhub_refuse_change();
"""

DROP_APPEND_ONLY = """
DROP TRIGGER revisions_are_append_only ON modelhub_scorerevision;
DROP FUNCTION modelhub_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("modelhub", "0001_initial")]

    operations = [
        migrations.RunSQL(IMMEDIATE, migrations.RunSQL.noop),
        migrations.RunSQL(APPEND_ONLY, DROP_APPEND_ONLY),
    ]
