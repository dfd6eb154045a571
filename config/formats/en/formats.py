"""Times with seconds and zone, as in 2026-01-31 12:00:00 UTC."""

DATETIME_FORMAT = "Y-m-d H:i:s e"
