"""The templates of pages: every value is escaped and cleared, and an unknown name is an error."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from api.pages.clear_text import cleared
from api.pages.figures import money, percent, points, quantity, rate, rounded_money, sentence, words


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
