"""URLs as they may be shown: user information, query and fragment hold passwords and tokens."""

import re
from typing import Final
from urllib.parse import quote

MASK: Final = "***"
USER: Final = re.compile(
    r"^((?:[a-z][a-z0-9+.-]*:)?//)?[^/?#]*@", re.IGNORECASE
)  # also of `user@host` without a scheme
AFTER_PATH: Final = re.compile(r"([?#]).*", re.DOTALL)


def shown_url(url: str) -> str:
    """The URL with `***` for each part that may be secret; a text without such a part stays as it is."""
    return AFTER_PATH.sub(rf"\1{MASK}", USER.sub(rf"\1{MASK}@", url))


def linked_url(url: str) -> str:
    """The URL without these parts, for links, which a mask would break."""
    return AFTER_PATH.sub("", USER.sub(r"\1", url))


def workflows_url(ui_url: str, *, namespace: str) -> str:
    """Where the Temporal UI at this address lists the namespace's workflows."""
    return f"{linked_url(ui_url).rstrip('/')}/namespaces/{quote(namespace, safe='')}/workflows"
