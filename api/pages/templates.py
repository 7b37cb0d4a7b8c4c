"""What pages share: their headers, and templates that escape and clear every value and refuse an unknown name."""

from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from api.pages.clear_text import cleared
from api.pages.figures import money, percent, points, quantity, rate, rounded_money, sentence, words

# A page fetches nothing, runs nothing, and cannot be framed. Not all readers see the same, and it changes: a copy is
# one reader's own, and is compared by its tag before each use.
PAGE_HEADERS: Final = {
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@cache
def template(name: str) -> Any:
    environment = Environment(
        loader=PackageLoader("api", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=cleared,
    )
    environment.filters |= {
        "percent": percent,
        "points": points,
        "money": money,
        "rounded_money": rounded_money,
        "quantity": quantity,
        "rate": rate,
        "words": words,
        "sentence": sentence,
    }
    return environment.get_template(name)
