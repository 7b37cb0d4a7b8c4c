"""How a workflow is started so that it stays open and does nothing for a long while."""

from datetime import timedelta
from typing import Any, Final

LATER: Final[dict[str, dict[str, Any]]] = {
    "delayed": {"start_delay": timedelta(hours=24)},
    "by cron": {"cron_schedule": "0 0 29 2 *"},
    "by cron, soon": {"cron_schedule": "@every 1s"},
}
