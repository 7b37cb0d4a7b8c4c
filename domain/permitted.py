"""What an accepted request comes to, if its operation's policy lets it be simulated.

Here and not beside its caller: a process of the engine imports this module for it, and should start soon.
"""

from collections.abc import Callable
from typing import TypeVar

from domain.errors import SimulationDisabled
from domain.evidence import RequestKind, parsed_request
from domain.operation import Policy

Made = TypeVar("Made")


def permitted(
    request_text: str, policy_text: str, make: Callable[..., Made], *, kind: RequestKind, **facts: str | None
) -> Made:
    """What `make` makes of an accepted request.

    Raises SimulationDisabled when its operation's policy says so, also when the step that did before was passed over.
    """
    request = parsed_request(request_text, kind=kind)
    # Simulating without a proposal always asks for the option: the same key simulates synchronously, too.
    is_required = kind == "simulate" or Policy.from_text(policy_text).require_simulation_flag
    if is_required and not request.options.enable_proposal_simulation:
        raise SimulationDisabled
    return make(request_text, kind=kind, **facts)
