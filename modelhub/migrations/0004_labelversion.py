"""A word for each organization that is another one whenever a label is: servers keep labels as long as it stays."""

import django.db.models.deletion
from django.db import migrations, models

# One statement may change many labels: it makes one version an organization. Organizations go in the order of their
# ids, so that no two such statements wait for each other.
TRIGGERS = """
ALTER TABLE modelhub_labelversion ADD CONSTRAINT labelversion_organization
    FOREIGN KEY (organization_id) REFERENCES modelhub_organization ON DELETE CASCADE;
CREATE FUNCTION modelhub_labels_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO modelhub_labelversion (organization_id, version)
    SELECT organization_id, gen_random_uuid()
    FROM (SELECT DISTINCT organization_id FROM changed ORDER BY organization_id) AS organizations
    ON CONFLICT (organization_id) DO UPDATE SET version = excluded.version;
    RETURN NULL;
END $$;
CREATE TRIGGER labels_inserted AFTER INSERT ON modelhub_label
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION modelhub_labels_changed();
CREATE TRIGGER labels_updated AFTER UPDATE ON modelhub_label
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION modelhub_labels_changed();
CREATE TRIGGER labels_deleted AFTER DELETE ON modelhub_label
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION modelhub_labels_changed();
"""

DROP_TRIGGERS = """
DROP TRIGGER labels_inserted ON modelhub_label;
DROP TRIGGER labels_updated ON modelhub_label;
DROP TRIGGER labels_deleted ON modelhub_label;
DROP FUNCTION modelhub_labels_changed();
ALTER TABLE modelhub_labelversion DROP CONSTRAINT labelversion_organization;
"""


class Migration(migrations.Migration):
    dependencies = [("modelhub", "0003_ascending_indexes")]

    operations = [
        migrations.CreateModel(
            name="LabelVersion",
            fields=[
                (
                    "organization",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="modelhub.organization",
                    ),
                ),
                ("version", models.UUIDField()),
            ],
        ),
        migrations.RunSQL(TRIGGERS, DROP_TRIGGERS),
    ]
