"""Rows for tests.

The cast: Alice (admin) and Bob of one organization, Charlie of another.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

import factory
from factory.django import DjangoModelFactory

from modelhub.accounts.keys import digest
from modelhub.accounts.models import ApiKey, Organization, User
from modelhub.core import clock
from modelhub.datasets.models import Dataset
from modelhub.labels.models import Label, Project
from modelhub.labels.types import get_type
from modelhub.queues.models import Adjudication, Assignment, Item, Queue, QueueLabel, QueueMember, Slot
from modelhub.scores.models import Score
from modelhub.sources.models import Source

SECRET = "a secret that only tests know"


class OrganizationFactory(DjangoModelFactory[Organization]):
    class Meta:
        model = Organization

    name = factory.Sequence(lambda n: f"Organization {n}")


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User

    organization = factory.SubFactory(OrganizationFactory)
    email = factory.Sequence(lambda n: f"user{n}@example.com")
    name = factory.Sequence(lambda n: f"User {n}")
    password = "!"


class ApiKeyFactory(DjangoModelFactory[ApiKey]):
    class Meta:
        model = ApiKey

    user = factory.SubFactory(UserFactory)
    organization = factory.SelfAttribute("user.organization")
    name = "Test key"
    api_key = factory.Sequence(lambda n: f"key-{n}")
    secret_digest = digest(SECRET)


class ProjectFactory(DjangoModelFactory[Project]):
    class Meta:
        model = Project

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda n: f"Project {n}")


class SourceFactory(DjangoModelFactory[Source]):
    class Meta:
        model = Source

    organization = factory.SubFactory(OrganizationFactory)
    source_type = "trace"
    source_id = factory.LazyFunction(lambda: str(uuid.uuid4()))
    source_key = factory.SelfAttribute("source_id")


class LabelFactory(DjangoModelFactory[Label]):
    class Meta:
        model = Label

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda n: f"Label {n}")
    type = "star"

    @factory.lazy_attribute
    def settings(self) -> dict[str, Any]:
        options = {"options": ["positive", "neutral", "negative"]} if self.type == "categorical" else {}
        return get_type(self.type).check_settings(options)


class ScoreFactory(DjangoModelFactory[Score]):
    class Meta:
        model = Score

    organization = factory.SelfAttribute("source.organization")
    source = factory.SubFactory(SourceFactory)
    label = factory.SubFactory(LabelFactory, organization=factory.SelfAttribute("..source.organization"))
    annotator = factory.SubFactory(UserFactory, organization=factory.SelfAttribute("..source.organization"))
    value = factory.LazyFunction(lambda: {"rating": 4})


class DatasetFactory(DjangoModelFactory[Dataset]):
    class Meta:
        model = Dataset

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda n: f"Dataset {n}")


class QueueFactory(DjangoModelFactory[Queue]):
    class Meta:
        model = Queue

    organization = factory.SelfAttribute("created_by.organization")
    created_by = factory.SubFactory(UserFactory)
    name = factory.Sequence(lambda n: f"Queue {n}")
    status = "active"


class QueueMemberFactory(DjangoModelFactory[QueueMember]):
    class Meta:
        model = QueueMember

    organization = factory.SelfAttribute("queue.organization")
    queue = factory.SubFactory(QueueFactory)
    user = factory.SubFactory(UserFactory, organization=factory.SelfAttribute("..queue.organization"))
    roles = factory.LazyFunction(lambda: ["annotator"])


class QueueLabelFactory(DjangoModelFactory[QueueLabel]):
    class Meta:
        model = QueueLabel

    organization = factory.SelfAttribute("queue.organization")
    queue = factory.SubFactory(QueueFactory)
    label = factory.SubFactory(LabelFactory, organization=factory.SelfAttribute("..queue.organization"))
    required = True
    order = factory.Sequence(lambda n: n)


class ItemFactory(DjangoModelFactory[Item]):
    class Meta:
        model = Item

    organization = factory.SelfAttribute("queue.organization")
    queue = factory.SubFactory(QueueFactory)
    source = factory.SubFactory(SourceFactory, organization=factory.SelfAttribute("..queue.organization"))
    order = factory.Sequence(lambda n: n)


class AssignmentFactory(DjangoModelFactory[Assignment]):
    class Meta:
        model = Assignment

    organization = factory.SelfAttribute("item.organization")
    queue = factory.SelfAttribute("item.queue")
    item = factory.SubFactory(ItemFactory)
    user = factory.SubFactory(UserFactory, organization=factory.SelfAttribute("..item.organization"))


class SlotFactory(DjangoModelFactory[Slot]):
    """A slot without a seat: reserved for an hour, or ended now."""

    class Meta:
        model = Slot

    organization = factory.SelfAttribute("item.organization")
    queue = factory.SelfAttribute("item.queue")
    item = factory.SubFactory(ItemFactory)
    user = factory.SubFactory(UserFactory, organization=factory.SelfAttribute("..item.organization"))
    state = "completed"

    @factory.lazy_attribute
    def reserved_until(self) -> datetime | None:
        return clock.now() + timedelta(hours=1) if self.state in ("reserved", "submitted") else None

    @factory.lazy_attribute
    def ended_at(self) -> datetime | None:
        return clock.now() if self.state in ("completed", "skipped") else None


class AdjudicationFactory(DjangoModelFactory[Adjudication]):
    """A decision in force by a star label."""

    class Meta:
        model = Adjudication

    organization = factory.SelfAttribute("item.organization")
    item = factory.SubFactory(ItemFactory)
    label = factory.SubFactory(LabelFactory, organization=factory.SelfAttribute("..item.organization"))
    adjudicator = factory.SubFactory(UserFactory, organization=factory.SelfAttribute("..item.organization"))
    value = factory.LazyFunction(lambda: {"rating": 4})
