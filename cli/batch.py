"""The command `batch`: the runs of a batch as a file."""

from pathlib import Path
from typing import Annotated, Final

import httpx2
import typer
from proposals_client import Proposals, ProposalsError, WaitTimeout

from cli.batch_export import ExportRefused, export_runs
from cli.command_group import CommandGroup
from cli.output import fail, print_fields, progress_line
from cli.service_client import DEFAULT_URL, TokenOption, UrlOption, failure_lines

EXIT_NOT_ITS_FILE: Final = 3
EXIT_TIMEOUT: Final = 4
EXIT_BATCH_FAILED: Final = 5
COMMAND: Final = "proposals batch export"

commands = CommandGroup(no_args_is_help=True, help="The runs of batches.")


@commands.command()
def export(
    operation_id: Annotated[str, typer.Argument(help="The batch, pop_...")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file, a line for each run (NDJSON).")],
    url: UrlOption = DEFAULT_URL,
    token: TokenOption = None,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait for the next run or for the service.")] = 60.0,
) -> None:
    """Write all runs with their results into a file, while the batch is running or later.

    The same command resumes where it stopped. Exits 0 when the file has every run, checked against the service, and 1
    when the export was refused, or the service or the file cannot be used. Exits 3 when the file is not of this batch,
    and 4 when no run came within --timeout. Exits 5 when the batch FAILED; the file then has the computed runs.
    """
    try:
        with (
            httpx2.Client(trust_env=False) as http,
            Proposals(url, token=token, repeat_seconds=timeout, http=http) as desk,
            progress_line() as show,
        ):
            exported = export_runs(desk.batch(operation_id), output, seconds=timeout, show=show)
    except ExportRefused as refused:
        fail(COMMAND, str(refused), exit_code=EXIT_NOT_ITS_FILE)
    except WaitTimeout:
        fail(COMMAND, f"no run came within {timeout:g} s: repeat the command to go on", exit_code=EXIT_TIMEOUT)
    except ProposalsError as failure:
        fail(COMMAND, *failure_lines(failure))
    except OSError as failure:
        fail(COMMAND, f"{output}: {failure.strerror}")
    fields = {"file": output, "status": exported.status, "runs": exported.runs, "failed": exported.failed}
    print_fields("Exported", fields | {"results hash": exported.results_hash})
    if exported.status != "SUCCEEDED":
        fail(
            COMMAND, f"the batch {exported.status}: these are the runs that were computed", exit_code=EXIT_BATCH_FAILED
        )
