"""The admin pages of all packages, in the one place where Django looks for them."""

import modelhub.accounts.admin
import modelhub.labels.admin
import modelhub.queues.admin
import modelhub.scores.admin
import modelhub.sources.admin
