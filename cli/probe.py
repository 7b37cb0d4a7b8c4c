"""One question over HTTP to a server of this machine that may not be there."""

import http.client
import json
from typing import Any, Final

TIME_LIMIT_SECONDS: Final = 3.0


def get_json(host: str, port: int, path: str, *, seconds: float = TIME_LIMIT_SECONDS) -> dict[str, Any] | None:
    """The JSON object of a response with status 200, None for anything else."""
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        parsed = json.loads(answer.read()) if answer.status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return parsed if isinstance(parsed, dict) else None


def is_well(host: str, port: int, path: str, *, seconds: float = TIME_LIMIT_SECONDS) -> bool:
    """Whether the health endpoint of a service reports `ok`."""
    health = get_json(host, port, path, seconds=seconds)
    return health is not None and health.get("status") == "ok"
