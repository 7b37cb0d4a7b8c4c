"""Which cases schemathesis leaves out (`SCHEMATHESIS_HOOKS`): those that look into the same part once more.

The parts of a request (portfolio, market data, shelf, options and so on) have one schema wherever they are. All that it
allows and forbids is sent in `shared` of a batch; a create, and the items and scenarios of a batch, hold it again.
"""

import re
from typing import Final

import schemathesis

# Where a case is wrong, by the schema, or what it tries out that is right, in the words of schemathesis.
WITHIN_PART: Final = re.compile(
    r"/properties/(simulate_request|items/items|scenarios/additionalProperties/0)/properties/\w+/"
    r"|Object with valid '(simulate_request|items|scenarios)' value: (Single-item array: |Object with additional "
    r"property: )?Object with "
)


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    tried = case.meta.phase.data if case.meta else None
    place = getattr(tried, "location", None) or getattr(tried, "description", None) or ""
    return not WITHIN_PART.match(place)
