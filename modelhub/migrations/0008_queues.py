"""Annotation queues, datasets and notes on sources."""

from typing import ClassVar

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
import modelhub.core.clock
import modelhub.core.exact_json
import modelhub.core.ids
import modelhub.core.models
from django.conf import settings
from django.db import migrations, models
from django.db.migrations.operations.base import Operation


class Migration(migrations.Migration):
    accepted: ClassVar[dict[str, str]] = {
        "adding-foreign-key-constraint": "the tables are new: there is no row to check",
        "adding-required-field": "the same",
    }

    dependencies: ClassVar[list[tuple[str, str]]] = [
        ("modelhub", "0007_clock"),
    ]

    operations: ClassVar[list[Operation]] = [
        migrations.CreateModel(
            name="Assignment",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=modelhub.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=modelhub.core.clock.now, editable=False)),
            ],
        ),
        migrations.CreateModel(
            name="Dataset",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=modelhub.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=modelhub.core.clock.now, editable=False)),
                ("name", models.CharField(max_length=255, validators=[modelhub.core.models.check_visible])),
                (
                    "columns",
                    models.JSONField(
                        blank=True,
                        decoder=modelhub.core.exact_json.Decoder,
                        default=list,
                        encoder=modelhub.core.exact_json.Encoder,
                    ),
                ),
                ("updated_at", models.DateTimeField(default=modelhub.core.clock.now, editable=False)),
            ],
        ),
        migrations.CreateModel(
            name="DatasetRow",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=modelhub.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=modelhub.core.clock.now, editable=False)),
                ("position", models.IntegerField()),
                ("queue_item", models.UUIDField(blank=True, editable=False, null=True)),
                (
                    "cells",
                    models.JSONField(
                        blank=True,
                        decoder=modelhub.core.exact_json.Decoder,
                        default=dict,
                        encoder=modelhub.core.exact_json.Encoder,
                    ),
                ),
                (
                    "metadata",
                    models.JSONField(
                        blank=True,
                        decoder=modelhub.core.exact_json.Decoder,
                        default=dict,
                        encoder=modelhub.core.exact_json.Encoder,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Item",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=modelhub.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=modelhub.core.clock.now, editable=False)),
                ("order", models.IntegerField()),
                ("priority", models.IntegerField(default=0)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("in_progress", "in_progress"),
                            ("completed", "completed"),
                            ("skipped", "skipped"),
                        ],
                        default="pending",
                        max_length=16,
                    ),
                ),
                (
                    "review_status",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("pending_review", "pending_review"),
                            ("approved", "approved"),
                            ("rejected", "rejected"),
                        ],
                        max_length=16,
                    ),
                ),
                ("reviewed_at", models.DateTimeField(blank=True, null=True)),
                ("review_notes", models.TextField(blank=True)),
                ("gold", models.BooleanField(default=False)),
                (
                    "expected",
                    models.JSONField(
                        blank=True,
                        decoder=modelhub.core.exact_json.Decoder,
                        default=dict,
                        encoder=modelhub.core.exact_json.Encoder,
                    ),
                ),
                ("is_assigned", models.BooleanField(default=False)),
                ("completed_at", models.DateTimeField(blank=True, null=True)),
                ("updated_at", models.DateTimeField(default=modelhub.core.clock.now, editable=False)),
                ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Queue",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=modelhub.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=modelhub.core.clock.now, editable=False)),
                ("name", models.CharField(max_length=255, validators=[modelhub.core.models.check_visible])),
                ("description", models.TextField(blank=True)),
                ("instructions", models.TextField(blank=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "draft"),
                            ("active", "active"),
                            ("paused", "paused"),
                            ("completed", "completed"),
                        ],
                        default="draft",
                        max_length=16,
                    ),
                ),
                (
                    "assignment_strategy",
                    models.CharField(
                        choices=[
                            ("manual", "manual"),
                            ("round_robin", "round_robin"),
                            ("load_balanced", "load_balanced"),
                        ],
                        default="manual",
                        max_length=16,
                    ),
                ),
                ("auto_assign", models.BooleanField(default=False)),
                ("annotations_required", models.IntegerField(default=1)),
                ("reservation_seconds", models.IntegerField(default=1800)),
                ("requires_review", models.BooleanField(default=False)),
                ("blind", models.BooleanField(default=True)),
                ("is_default", models.BooleanField(default=False)),
                ("agent_definition", models.UUIDField(blank=True, null=True)),
                ("updated_at", models.DateTimeField(default=modelhub.core.clock.now, editable=False)),
                ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="QueueLabel",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=modelhub.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=modelhub.core.clock.now, editable=False)),
                ("required", models.BooleanField(default=False)),
                ("order", models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="QueueMember",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=modelhub.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=modelhub.core.clock.now, editable=False)),
                (
                    "roles",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[("manager", "manager"), ("reviewer", "reviewer"), ("annotator", "annotator")],
                            max_length=16,
                        ),
                        size=None,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Review",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=modelhub.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=modelhub.core.clock.now, editable=False)),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("approve", "approve"),
                            ("request_changes", "request_changes"),
                            ("reject", "reject"),
                            ("comment", "comment"),
                            ("reopen", "reopen"),
                        ],
                        max_length=16,
                    ),
                ),
                ("notes", models.TextField(blank=True)),
                (
                    "label_comments",
                    models.JSONField(
                        blank=True,
                        decoder=modelhub.core.exact_json.Decoder,
                        default=list,
                        encoder=modelhub.core.exact_json.Encoder,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Slot",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=modelhub.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=modelhub.core.clock.now, editable=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("reserved", "reserved"),
                            ("submitted", "submitted"),
                            ("completed", "completed"),
                            ("skipped", "skipped"),
                        ],
                        max_length=16,
                    ),
                ),
                ("seat", models.IntegerField(blank=True, null=True)),
                ("reserved_until", models.DateTimeField(blank=True, null=True)),
                ("skip_reason", models.TextField(blank=True)),
                ("notes", models.TextField(blank=True)),
                ("returned_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("updated_at", models.DateTimeField(default=modelhub.core.clock.now, editable=False)),
            ],
        ),
        migrations.CreateModel(
            name="SourceNote",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=modelhub.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=modelhub.core.clock.now, editable=False)),
                ("text", models.TextField()),
            ],
        ),
        migrations.AddField(
            model_name="assignment",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="modelhub.organization",
            ),
        ),
        migrations.AddField(
            model_name="assignment",
            name="user",
            field=modelhub.core.models.TenantForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="dataset",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="datasets",
                to="modelhub.organization",
            ),
        ),
        migrations.AddField(
            model_name="datasetrow",
            name="dataset",
            field=modelhub.core.models.TenantForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="rows", to="modelhub.dataset"
            ),
        ),
        migrations.AddField(
            model_name="datasetrow",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="modelhub.organization",
            ),
        ),
        migrations.AddField(
            model_name="item",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="modelhub.organization",
            ),
        ),
        migrations.AddField(
            model_name="item",
            name="reviewed_by",
            field=modelhub.core.models.TenantForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="item",
            name="source",
            field=modelhub.core.models.TenantForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="items", to="modelhub.source"
            ),
        ),
        migrations.AddField(
            model_name="assignment",
            name="item",
            field=modelhub.core.models.TenantForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="assignments",
                to="modelhub.item",
            ),
        ),
        migrations.AddField(
            model_name="queue",
            name="created_by",
            field=modelhub.core.models.TenantForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="queue",
            name="dataset",
            field=modelhub.core.models.TenantForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="modelhub.dataset",
            ),
        ),
        migrations.AddField(
            model_name="queue",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="queues",
                to="modelhub.organization",
            ),
        ),
        migrations.AddField(
            model_name="queue",
            name="project",
            field=modelhub.core.models.TenantForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="modelhub.project",
            ),
        ),
        migrations.AddField(
            model_name="item",
            name="queue",
            field=modelhub.core.models.TenantForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="items", to="modelhub.queue"
            ),
        ),
        migrations.AddField(
            model_name="assignment",
            name="queue",
            field=modelhub.core.models.TenantForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="modelhub.queue"
            ),
        ),
        migrations.AddField(
            model_name="queuelabel",
            name="label",
            field=modelhub.core.models.TenantForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="modelhub.label"
            ),
        ),
        migrations.AddField(
            model_name="queuelabel",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="modelhub.organization",
            ),
        ),
        migrations.AddField(
            model_name="queuelabel",
            name="queue",
            field=modelhub.core.models.TenantForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="queue_labels",
                to="modelhub.queue",
            ),
        ),
        migrations.AddField(
            model_name="queuemember",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="modelhub.organization",
            ),
        ),
        migrations.AddField(
            model_name="queuemember",
            name="queue",
            field=modelhub.core.models.TenantForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="members", to="modelhub.queue"
            ),
        ),
        migrations.AddField(
            model_name="queuemember",
            name="user",
            field=modelhub.core.models.TenantForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="item",
            field=modelhub.core.models.TenantForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="reviews", to="modelhub.item"
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="modelhub.organization",
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="reviewer",
            field=modelhub.core.models.TenantForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="slot",
            name="item",
            field=modelhub.core.models.TenantForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="slots", to="modelhub.item"
            ),
        ),
        migrations.AddField(
            model_name="slot",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="modelhub.organization",
            ),
        ),
        migrations.AddField(
            model_name="slot",
            name="queue",
            field=modelhub.core.models.TenantForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="modelhub.queue"
            ),
        ),
        migrations.AddField(
            model_name="slot",
            name="user",
            field=modelhub.core.models.TenantForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="sourcenote",
            name="author",
            field=modelhub.core.models.TenantForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="sourcenote",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="modelhub.organization",
            ),
        ),
        migrations.AddField(
            model_name="sourcenote",
            name="source",
            field=modelhub.core.models.TenantForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="source_notes",
                to="modelhub.source",
            ),
        ),
        migrations.AddIndex(
            model_name="dataset",
            index=models.Index(
                condition=models.Q(
                    models.Func(
                        models.F("created_at"),
                        output_field=models.BooleanField(),
                        template="%(expressions)s > '-infinity'",
                    )
                ),
                fields=["organization", "created_at", "id"],
                name="dataset_newest_first",
            ),
        ),
        migrations.AddConstraint(
            model_name="dataset",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower(
                    models.Func("name", output_field=models.TextField(), template="normalize(%(expressions)s, NFC)")
                ),
                models.F("organization"),
                name="dataset_name_is_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="datasetrow",
            constraint=models.UniqueConstraint(
                fields=("dataset", "position", "organization"), name="datasetrow_position_is_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="datasetrow",
            constraint=models.UniqueConstraint(
                condition=models.Q(("queue_item", None), _negated=True),
                fields=("dataset", "queue_item", "organization"),
                name="datasetrow_item_is_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="datasetrow",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(
                    models.Func(models.F("cells"), function="jsonb_typeof", output_field=models.TextField()), "object"
                ),
                name="datasetrow_cells_is_object",
            ),
        ),
        migrations.AddConstraint(
            model_name="datasetrow",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(
                    models.Func(models.F("metadata"), function="jsonb_typeof", output_field=models.TextField()),
                    "object",
                ),
                name="datasetrow_metadata_is_object",
            ),
        ),
        migrations.AddIndex(
            model_name="queue",
            index=models.Index(
                condition=models.Q(
                    models.Func(
                        models.F("created_at"),
                        output_field=models.BooleanField(),
                        template="%(expressions)s > '-infinity'",
                    )
                ),
                fields=["organization", "created_at", "id"],
                name="queue_newest_first",
            ),
        ),
        migrations.AddConstraint(
            model_name="queue",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower(
                    models.Func("name", output_field=models.TextField(), template="normalize(%(expressions)s, NFC)")
                ),
                models.F("project"),
                models.F("dataset"),
                models.F("agent_definition"),
                models.F("organization"),
                condition=models.Q(("deleted_at", None)),
                name="queue_name_is_unique",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="queue",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_default", True)),
                fields=("project", "dataset", "agent_definition", "organization"),
                name="queue_default_is_unique",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="queue",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ("draft", "active", "paused", "completed"))),
                name="queue_status_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="queue",
            constraint=models.CheckConstraint(
                condition=models.Q(("assignment_strategy__in", ("manual", "round_robin", "load_balanced"))),
                name="queue_assignment_strategy_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="queue",
            constraint=models.CheckConstraint(
                condition=models.Q(("annotations_required__gte", 1)), name="queue_requires_annotations"
            ),
        ),
        migrations.AddConstraint(
            model_name="queue",
            constraint=models.CheckConstraint(
                condition=models.Q(("reservation_seconds__gte", 1)), name="queue_reserves_for_a_time"
            ),
        ),
        migrations.AddIndex(
            model_name="item",
            index=models.Index(
                condition=models.Q(
                    ("deleted_at", None),
                    models.Func(
                        models.F("created_at"),
                        output_field=models.BooleanField(),
                        template="%(expressions)s > '-infinity'",
                    ),
                ),
                fields=["queue", "order", "id"],
                include=["organization"],
                name="item_in_order",
            ),
        ),
        migrations.AddIndex(
            model_name="item",
            index=models.Index(
                condition=models.Q(("deleted_at", None)),
                fields=["queue", "status", "review_status"],
                include=["id", "reviewed_at", "organization"],
                name="item_by_status",
            ),
        ),
        migrations.AddIndex(
            model_name="item",
            index=models.Index(
                models.F("queue"),
                models.F("is_assigned"),
                models.OrderBy(models.F("priority"), descending=True),
                models.F("order"),
                condition=models.Q(
                    ("deleted_at", None),
                    ("status__in", ["pending", "in_progress"]),
                    models.Q(("review_status", "pending_review"), _negated=True),
                ),
                name="item_to_take",
            ),
        ),
        migrations.AddIndex(
            model_name="item",
            index=models.Index(
                condition=models.Q(("deleted_at", None), models.Q(("completed_at", None), _negated=True)),
                fields=["queue", "completed_at"],
                include=["organization"],
                name="item_by_completion",
            ),
        ),
        migrations.AddIndex(
            model_name="item",
            index=models.Index(
                condition=models.Q(("deleted_at", None), ("gold", True)), fields=["queue"], name="item_of_gold"
            ),
        ),
        migrations.AddConstraint(
            model_name="item",
            constraint=models.UniqueConstraint(
                condition=models.Q(("deleted_at", None)),
                fields=("source", "queue", "organization"),
                name="item_is_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="item",
            constraint=models.UniqueConstraint(fields=("id", "organization"), name="item_of_organization"),
        ),
        migrations.AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ("pending", "in_progress", "completed", "skipped"))),
                name="item_status_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=models.Q(("review_status__in", ("", "pending_review", "approved", "rejected"))),
                name="item_review_status_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="item",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.Exact(
                    models.Func(models.F("expected"), function="jsonb_typeof", output_field=models.TextField()),
                    "object",
                ),
                name="item_expected_is_object",
            ),
        ),
        migrations.AddIndex(
            model_name="assignment",
            index=models.Index(
                fields=["queue", "user", "item"], include=["organization"], name="assignment_by_user"
            ),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.UniqueConstraint(fields=("item", "user", "organization"), name="assignment_is_unique"),
        ),
        migrations.AddConstraint(
            model_name="queuelabel",
            constraint=models.UniqueConstraint(fields=("queue", "label", "organization"), name="queuelabel_is_unique"),
        ),
        migrations.AddConstraint(
            model_name="queuemember",
            constraint=models.UniqueConstraint(fields=("queue", "user", "organization"), name="queuemember_is_unique"),
        ),
        migrations.AddConstraint(
            model_name="queuemember",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("roles__contained_by", ["manager", "reviewer", "annotator"]), ("roles__len__gte", 1)
                ),
                name="queuemember_has_known_roles",
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(fields=["item", "created_at", "id"], name="review_by_item"),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(("action__in", ("approve", "request_changes", "reject", "comment", "reopen"))),
                name="review_action_is_known",
            ),
        ),
        migrations.AddIndex(
            model_name="slot",
            index=models.Index(
                fields=["queue", "user", "state", "ended_at"], include=["item", "organization"], name="slot_by_user"
            ),
        ),
        migrations.AddConstraint(
            model_name="slot",
            constraint=models.UniqueConstraint(fields=("item", "user", "organization"), name="slot_is_unique"),
        ),
        migrations.AddConstraint(
            model_name="slot",
            constraint=models.UniqueConstraint(
                condition=models.Q(("seat", None), _negated=True),
                fields=("item", "seat", "organization"),
                name="slot_seat_is_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="slot",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ("reserved", "submitted", "completed", "skipped"))),
                name="slot_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="slot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("seat", None),
                    models.Q(("seat__gte", 1), models.Q(("state", "skipped"), _negated=True)),
                    _connector="OR",
                ),
                name="slot_seat_is_possible",
            ),
        ),
        migrations.AddConstraint(
            model_name="slot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("ended_at", None), ("reserved_until__isnull", False), ("state__in", ["reserved", "submitted"])
                    ),
                    models.Q(("ended_at__isnull", False), ("state__in", ["completed", "skipped"])),
                    _connector="OR",
                ),
                name="slot_ends_or_expires",
            ),
        ),
        migrations.AddConstraint(
            model_name="sourcenote",
            constraint=models.UniqueConstraint(
                models.F("source"),
                models.F("author"),
                django.db.models.functions.text.MD5("text"),
                models.F("organization"),
                name="sourcenote_is_unique",
            ),
        ),
    ]
