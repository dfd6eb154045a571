import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import modelhub.accounts.models
import modelhub.core.exact_json
import modelhub.core.ids
import modelhub.core.models
from modelhub.core.sql import read_sql


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="Organization",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=modelhub.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("name", models.CharField(max_length=255)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "id",
                    models.UUIDField(
                        default=modelhub.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("email", models.EmailField(max_length=254)),
                ("name", models.CharField(blank=True, max_length=255)),
                (
                    "role",
                    models.CharField(
                        choices=[("admin", "admin"), ("member", "member")], default="member", max_length=16
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("is_staff", models.BooleanField(default=False)),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="users", to="modelhub.organization"
                    ),
                ),
            ],
        ),
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
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=modelhub.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("name", models.CharField(max_length=255)),
                ("api_key", models.CharField(max_length=255)),
                ("secret_digest", models.CharField(max_length=255)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[("read", "read"), ("write", "write"), ("admin", "admin"), ("act-as", "act-as")],
                            max_length=16,
                        ),
                        default=modelhub.accounts.models.default_scopes,
                        size=None,
                    ),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    modelhub.core.models.TenantForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="api_keys",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="api_keys", to="modelhub.organization"
                    ),
                ),
            ],
            options={"verbose_name": "API key"},
        ),
        migrations.CreateModel(
            name="Project",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=modelhub.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("name", models.CharField(max_length=255)),
                ("project_type", models.CharField(blank=True, max_length=64)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="projects",
                        to="modelhub.organization",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Label",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=modelhub.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("name", models.CharField(max_length=255)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("text", "text"),
                            ("numeric", "numeric"),
                            ("categorical", "categorical"),
                            ("star", "star"),
                            ("thumbs_up_down", "thumbs_up_down"),
                        ],
                        max_length=32,
                    ),
                ),
                ("description", models.TextField(blank=True)),
                (
                    "settings",
                    models.JSONField(
                        blank=True,
                        decoder=modelhub.core.exact_json.Decoder,
                        default=dict,
                        encoder=modelhub.core.exact_json.Encoder,
                    ),
                ),
                ("allow_notes", models.BooleanField(default=False)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="labels",
                        to="modelhub.organization",
                    ),
                ),
                (
                    "project",
                    modelhub.core.models.TenantForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="labels",
                        to="modelhub.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Score",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=modelhub.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("queue_item", models.UUIDField(blank=True, null=True)),
                (
                    "value",
                    models.JSONField(
                        decoder=modelhub.core.exact_json.Decoder, encoder=modelhub.core.exact_json.Encoder
                    ),
                ),
                (
                    "score_source",
                    models.CharField(
                        choices=[
                            ("human", "human"),
                            ("api", "api"),
                            ("auto", "auto"),
                            ("imported", "imported"),
                            ("automation", "automation"),
                            ("sdk", "sdk"),
                            ("model", "model"),
                        ],
                        default="human",
                        max_length=16,
                    ),
                ),
                ("notes", models.TextField(blank=True)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "annotator",
                    modelhub.core.models.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="scores",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "label",
                    modelhub.core.models.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="scores",
                        to="modelhub.label",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="modelhub.organization",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ScoreRevision",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=modelhub.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "value",
                    models.JSONField(
                        decoder=modelhub.core.exact_json.Decoder, encoder=modelhub.core.exact_json.Encoder
                    ),
                ),
                ("score_source", models.CharField(max_length=16)),
                ("notes", models.TextField(blank=True)),
                (
                    "action",
                    models.CharField(
                        choices=[("overwritten", "overwritten"), ("deleted", "deleted")],
                        default="overwritten",
                        max_length=16,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="modelhub.organization",
                    ),
                ),
                (
                    "replaced_by",
                    modelhub.core.models.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "score",
                    modelhub.core.models.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="revisions",
                        to="modelhub.score",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Source",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=modelhub.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "source_type",
                    models.CharField(
                        choices=[
                            ("trace", "trace"),
                            ("span", "span"),
                            ("generation", "generation"),
                            ("session", "session"),
                            ("dataset_row", "dataset_row"),
                            ("call_execution", "call_execution"),
                            ("prototype_run", "prototype_run"),
                        ],
                        max_length=32,
                    ),
                ),
                ("source_id", models.CharField(max_length=255)),
                ("source_key", models.CharField(max_length=255)),
                ("name", models.CharField(blank=True, max_length=255)),
                (
                    "metadata",
                    models.JSONField(
                        blank=True,
                        decoder=modelhub.core.exact_json.Decoder,
                        default=dict,
                        encoder=modelhub.core.exact_json.Encoder,
                    ),
                ),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sources",
                        to="modelhub.organization",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="score",
            name="source",
            field=modelhub.core.models.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="scores",
                to="modelhub.source",
            ),
        ),
        migrations.CreateModel(
            name="ApiKeyUse",
            fields=[
                (
                    "key",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="use",
                        serialize=False,
                        to="modelhub.apikey",
                    ),
                ),
                ("last_used_at", models.DateTimeField()),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="modelhub.organization",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="IdempotencyRecord",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=modelhub.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("key", models.CharField(max_length=255)),
                ("digest", models.CharField(max_length=64)),
                ("status", models.PositiveSmallIntegerField()),
                ("body", models.TextField()),
                (
                    "user",
                    modelhub.core.models.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="modelhub.organization",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["created_at"], name="idempotency_oldest")],
                "constraints": [
                    models.UniqueConstraint(fields=("user", "key", "organization"), name="idempotency_key_is_unique")
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.UniqueConstraint(fields=("api_key",), name="apikey_api_key_is_unique"),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(("scopes__contained_by", ["read", "write", "admin", "act-as"])),
                name="apikey_scopes_are_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(fields=("email",), name="user_email_is_unique"),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ("admin", "member"))), name="user_role_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(
                    models.F("email"), django.db.models.functions.text.Lower("email")
                ),
                name="user_email_is_lower_case",
            ),
        ),
        migrations.AddIndex(
            model_name="project",
            index=models.Index(
                condition=models.Q(
                    models.Func(
                        models.F("created_at"),
                        output_field=models.BooleanField(),
                        template="%(expressions)s > '-infinity'",
                    )
                ),
                fields=["organization", "created_at", "id"],
                name="project_newest_first",
            ),
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("name"), models.F("organization"), name="project_name_is_unique"
            ),
        ),
        migrations.AddIndex(
            model_name="label",
            index=models.Index(
                condition=models.Q(
                    models.Func(
                        models.F("created_at"),
                        output_field=models.BooleanField(),
                        template="%(expressions)s > '-infinity'",
                    )
                ),
                fields=["organization", "created_at", "id"],
                name="label_newest_first",
            ),
        ),
        migrations.AddConstraint(
            model_name="label",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("name"),
                models.F("type"),
                models.F("project"),
                models.F("organization"),
                condition=models.Q(("deleted_at", None)),
                name="label_name_is_unique",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="label",
            constraint=models.CheckConstraint(
                condition=models.Q(("type__in", ("text", "numeric", "categorical", "star", "thumbs_up_down"))),
                name="label_type_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="label",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(
                    models.Func(models.F("settings"), function="jsonb_typeof", output_field=models.TextField()),
                    "object",
                ),
                name="label_settings_is_object",
            ),
        ),
        migrations.AddIndex(
            model_name="scorerevision",
            index=models.Index(fields=["score", "id"], name="revision_by_score"),
        ),
        migrations.AddConstraint(
            model_name="scorerevision",
            constraint=models.CheckConstraint(
                condition=models.Q(("action__in", ("overwritten", "deleted"))), name="revision_action_is_known"
            ),
        ),
        migrations.AddIndex(
            model_name="source",
            index=models.Index(
                condition=models.Q(
                    models.Func(
                        models.F("created_at"),
                        output_field=models.BooleanField(),
                        template="%(expressions)s > '-infinity'",
                    )
                ),
                fields=["organization", "created_at", "id"],
                name="source_newest_first",
            ),
        ),
        migrations.AddConstraint(
            model_name="source",
            constraint=models.UniqueConstraint(
                fields=("source_type", "source_key", "organization"), name="source_is_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="source",
            constraint=models.UniqueConstraint(fields=("id", "organization"), name="source_of_organization"),
        ),
        migrations.AddConstraint(
            model_name="source",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "source_type__in",
                        ("trace", "span", "generation", "session", "dataset_row", "call_execution", "prototype_run"),
                    )
                ),
                name="source_source_type_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="source",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(
                    models.Func(models.F("metadata"), function="jsonb_typeof", output_field=models.TextField()),
                    "object",
                ),
                name="source_metadata_is_object",
            ),
        ),
        migrations.AddIndex(
            model_name="score",
            index=models.Index(
                condition=models.Q(
                    ("deleted_at", None),
                    models.Func(
                        models.F("created_at"),
                        output_field=models.BooleanField(),
                        template="%(expressions)s > '-infinity'",
                    ),
                ),
                fields=["organization", "created_at", "id"],
                name="score_newest_first",
            ),
        ),
        migrations.AddIndex(
            model_name="score",
            index=models.Index(
                condition=models.Q(
                    ("deleted_at", None),
                    models.Func(
                        models.F("created_at"),
                        output_field=models.BooleanField(),
                        template="%(expressions)s > '-infinity'",
                    ),
                ),
                fields=["label", "created_at", "id"],
                name="score_by_label",
            ),
        ),
        migrations.AddIndex(
            model_name="score",
            index=models.Index(
                condition=models.Q(
                    ("deleted_at", None),
                    models.Func(
                        models.F("created_at"),
                        output_field=models.BooleanField(),
                        template="%(expressions)s > '-infinity'",
                    ),
                ),
                fields=["annotator", "created_at", "id"],
                name="score_by_annotator",
            ),
        ),
        migrations.AddIndex(
            model_name="score",
            index=models.Index(
                condition=models.Q(
                    ("deleted_at", None),
                    models.Func(
                        models.F("created_at"),
                        output_field=models.BooleanField(),
                        template="%(expressions)s > '-infinity'",
                    ),
                ),
                fields=["organization", "updated_at", "id"],
                name="score_last_changed",
            ),
        ),
        migrations.AddConstraint(
            model_name="score",
            constraint=models.UniqueConstraint(
                condition=models.Q(("deleted_at", None)),
                fields=("source", "label", "annotator", "queue_item", "organization"),
                name="score_is_unique",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="score",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("score_source__in", ("human", "api", "auto", "imported", "automation", "sdk", "model"))
                ),
                name="score_score_source_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="score",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(
                    models.Func(models.F("value"), function="jsonb_typeof", output_field=models.TextField()), "object"
                ),
                name="score_value_is_object",
            ),
        ),
        # One command each, so that they run on a distributed database, too.
        migrations.RunSQL(
            "ALTER TABLE modelhub_labelversion ADD CONSTRAINT labelversion_organization"
            " FOREIGN KEY (organization_id) REFERENCES modelhub_organization ON DELETE CASCADE",
            "ALTER TABLE modelhub_labelversion DROP CONSTRAINT labelversion_organization",
        ),
        # A score and its source belong to one organization: one foreign key of two columns, cheaper than two.
        migrations.RunSQL(
            "ALTER TABLE modelhub_score ADD CONSTRAINT score_source_of_organization"
            " FOREIGN KEY (source_id, organization_id) REFERENCES modelhub_source (id, organization_id)",
            "ALTER TABLE modelhub_score DROP CONSTRAINT score_source_of_organization",
        ),
        migrations.RunSQL(
            read_sql("labels", "renew_label_version_v1"), "DROP FUNCTION modelhub_renew_label_version_v1"
        ),
        migrations.RunSQL(
            "CREATE TRIGGER labels_renew_version AFTER INSERT OR UPDATE OR DELETE ON modelhub_label"
            " FOR EACH ROW EXECUTE FUNCTION modelhub_renew_label_version_v1()",
            "DROP TRIGGER labels_renew_version ON modelhub_label",
        ),
        migrations.RunSQL(read_sql("labels", "labels_lock_v1"), "DROP FUNCTION modelhub_labels_lock_v1"),
        migrations.RunSQL(read_sql("labels", "share_labels_v1"), "DROP FUNCTION modelhub_share_labels_v1"),
        migrations.RunSQL(read_sql("scores", "refuse_change_v1"), "DROP FUNCTION modelhub_refuse_change_v1"),
        migrations.RunSQL(
            "CREATE TRIGGER revisions_are_append_only BEFORE UPDATE OR DELETE ON modelhub_scorerevision"
            " FOR EACH ROW EXECUTE FUNCTION modelhub_refuse_change_v1()",
            "DROP TRIGGER revisions_are_append_only ON modelhub_scorerevision",
        ),
        migrations.RunSQL(read_sql("scores", "store_scores_v1"), "DROP FUNCTION modelhub_store_scores_v1"),
    ]
