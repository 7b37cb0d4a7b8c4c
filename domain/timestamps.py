"""The wire form of a moment: ISO-8601 in UTC with microseconds and `+00:00`."""

from datetime import UTC, datetime


def wire_timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
