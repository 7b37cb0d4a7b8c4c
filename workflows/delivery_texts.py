"""What operators read of a callback's workflow, whoever starts it; no word of a client but its correlation id."""


def delivery_summary(operation_id: str, *, operation_status: str) -> str:
    return f"Call back that {operation_id} has {operation_status}"


def delivery_details(operation_id: str, *, operation_type: str, operation_status: str, correlation_id: str) -> str:
    rows = {
        "Operation": operation_id,
        "Type": operation_type,
        "Ended": operation_status,
        "Correlation id": correlation_id,
        "Attempts": f"`proposals operation {operation_id}`",
    }
    return "\n".join(f"- **{name}**: {_shown(value)}" for name, value in rows.items())


def _shown(value: str) -> str:
    """As code, so that Markdown leaves it alone; ids hold no backtick."""
    return value if value.startswith("`") else f"`{value}`"
