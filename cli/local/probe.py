"""One question over HTTP to a server of this machine that may not be there yet."""

import http.client
import json
from typing import Any, Final

from cli.local.ports import HOST

TIME_LIMIT_SECONDS: Final = 3.0


def get_json(port: int, path: str) -> dict[str, Any] | None:
    """The JSON object that is answered with 200, None for anything else."""
    connection = http.client.HTTPConnection(HOST, port, timeout=TIME_LIMIT_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        return None
    parsed = json.loads(content)
    return parsed if isinstance(parsed, dict) else None
