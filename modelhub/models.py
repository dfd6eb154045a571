"""The models of all packages, in the one place where Django looks for them."""

import modelhub.accounts.models
import modelhub.datasets.models
import modelhub.idempotency.models
import modelhub.labels.models
import modelhub.queues.models
import modelhub.scores.models
import modelhub.sources.models
