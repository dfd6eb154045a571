"""Fill `updated_by` from the history, which names the user of each replacement.

In a transaction of its own: the locks of new columns keep out reads, too. Null stays for the annotator.
"""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

# A live score whose last revision is a deletion was imported again, by an unknown user.
FILL_SCORES = """
UPDATE modelhub_score AS score SET updated_by_id = last.replaced_by_id
FROM (
    SELECT DISTINCT ON (organization_id, score_id) organization_id, score_id, action, replaced_by_id
    FROM modelhub_scorerevision ORDER BY organization_id, score_id, created_at DESC, id DESC
) AS last
WHERE score.id = last.score_id AND score.organization_id = last.organization_id
    AND score.annotator_id <> last.replaced_by_id AND (score.deleted_at IS NULL) = (last.action = 'overwritten')
"""
FILL_REVISIONS = """
UPDATE modelhub_scorerevision AS revision SET updated_by_id = earlier.replaced_by_id
FROM (
    SELECT id, organization_id, lag(action) OVER history AS action, lag(replaced_by_id) OVER history AS replaced_by_id
    FROM modelhub_scorerevision
    WINDOW history AS (PARTITION BY organization_id, score_id ORDER BY created_at, id)
) AS earlier, modelhub_score AS score
WHERE earlier.id = revision.id AND earlier.organization_id = revision.organization_id AND earlier.action = 'overwritten'
    AND score.id = revision.score_id AND score.organization_id = revision.organization_id
    AND score.annotator_id <> earlier.replaced_by_id
"""
TRIGGER = "ALTER TABLE modelhub_scorerevision {} TRIGGER revisions_are_append_only"


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("modelhub", "0002_updated_by")]

    operations: ClassVar[list[Operation]] = [
        # First, because it waits for every change in progress, which may wait for a row of the first statement.
        migrations.RunSQL(TRIGGER.format("DISABLE"), migrations.RunSQL.noop),
        migrations.RunSQL(FILL_SCORES, migrations.RunSQL.noop),
        migrations.RunSQL(FILL_REVISIONS, migrations.RunSQL.noop),
        migrations.RunSQL(TRIGGER.format("ENABLE"), migrations.RunSQL.noop),
    ]
