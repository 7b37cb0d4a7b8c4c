"""Each case logs in a process of its own: logging is configured once a process, pytest has configured its own."""

import json
import subprocess
import sys

SECRET = "client-4711"  # noqa: S105 -- what must not be logged


def records(code: str, *, level: str = "INFO", log_format: str = "auto") -> list[dict]:
    script = (
        "import asyncio, logging, sys, threading\n"
        "import structlog\n"
        "from structlog.contextvars import bound_contextvars as bind\n"
        "from runtime.telemetry import configure_logging\n"
        f"configure_logging(level={level!r}, format={log_format!r})\n"
        f"secret = {SECRET!r}\n"
        "log = structlog.get_logger('proposals.test')\n" + code
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert SECRET not in ran.stdout + ran.stderr
    return [json.loads(line) for line in ran.stderr.splitlines()]


def test_a_record_is_one_json_line():
    (record,) = records("log.info('started', port=8000)")

    assert record.pop("timestamp").endswith("Z")
    assert record == {"event": "started", "level": "info", "logger": "proposals.test", "port": 8000}


def test_ids_that_are_bound_stand_in_every_record_of_the_block():
    inside, nested, after = records(
        "with bind(correlation_id='corr_1'):\n"
        "    log.info('a')\n"
        "    with bind(operation_id='pop_1'):\n"
        "        logging.getLogger('uvicorn').info('b')\n"
        "log.info('c')\n"
    )

    assert (inside["correlation_id"], "operation_id" in inside) == ("corr_1", False)
    assert (nested["correlation_id"], nested["operation_id"]) == ("corr_1", "pop_1")
    assert "correlation_id" not in after


def test_ids_stay_with_the_task_that_bound_them():
    logged = records(
        "async def work(name):\n"
        "    with bind(operation_id=name):\n"
        "        await asyncio.sleep(0)\n"
        "        log.info(name)\n"
        "async def main():\n"
        "    await asyncio.gather(work('pop_1'), work('pop_2'))\n"
        "asyncio.run(main())\n"
    )

    assert [(record["event"], record["operation_id"]) for record in logged] == [("pop_1", "pop_1"), ("pop_2", "pop_2")]


RAISE = (
    "def inner():\n"
    "    local = secret\n"
    "    raise ValueError(f'bad {secret}')\n"
    "def outer():\n"
    "    try:\n"
    "        inner()\n"
    "    except ValueError as cause:\n"
    "        raise RuntimeError(secret) from cause\n"
)


def test_an_exception_is_told_by_classes_and_places():
    own, library = records(
        RAISE + "try:\n"
        "    outer()\n"
        "except RuntimeError:\n"
        "    log.exception('step_failed', stack_info=True)\n"
        "    logging.getLogger('sqlalchemy').exception('failed for %s', secret, stack_info=True)\n"
    )

    assert (own["event"], own["error_class"], own["caused_by"]) == ("step_failed", "RuntimeError", ["ValueError"])
    assert own["at"][-1].endswith(" outer")
    assert (library["event"], library["error_class"]) == ("failed for %s", "RuntimeError")


def test_a_suppressed_context_is_not_told():
    (record,) = records(
        "try:\n"
        "    try:\n"
        "        raise ValueError(secret)\n"
        "    except ValueError:\n"
        "        raise RuntimeError(secret) from None\n"
        "except RuntimeError as failure:\n"
        "    log.error('step_failed', exc_info=failure)\n"
    )

    assert "caused_by" not in record


def test_uncaught_exceptions_are_logged_without_their_text():
    thread, process = records(
        RAISE + "thread = threading.Thread(target=outer)\nthread.start()\nthread.join()\nouter()\n"
    )

    assert (thread["event"], thread["error_class"]) == ("thread_failed", "RuntimeError")
    assert (process["event"], process["error_class"], process["level"]) == (
        "process_failed",
        "RuntimeError",
        "critical",
    )


def test_of_a_library_only_the_constant_part_is_logged():
    logged = records(
        "logger = logging.getLogger('uvicorn.error')\n"
        "logger.info('Listening for %s', secret)\n"
        "logger.info('Started server process [%d]', 4711)\n"
        "logger.info('Listening on %s:%d', secret, 4711)\n"
        "logger.info(f'Completing as failure with error of type ValueError: {secret}')\n"
        "logger.info(ValueError(secret))\n"
        "logger.info(f'Task exception was never retrieved\\nfuture: {secret}')\n"
        "logger.info(f'Traceback (most recent call last):\\n  File x\\npsycopg.OperationalError: {secret}\\n')\n"
        "logger.info('')\n"
    )

    assert [record["event"] for record in logged] == [
        "Listening for %s",
        "Started server process [4711]",
        "Listening on %s:%d",
        "Completing as failure with error of type ValueError",
        "ValueError",
        "Task exception was never retrieved",
        "raised psycopg.OperationalError",
        "",
    ]


def test_of_temporal_only_ids_and_types_are_logged():
    (record,) = records(
        "from temporalio import activity\n"
        "from temporalio.testing import ActivityEnvironment\n"
        "@activity.defn\n"
        "def simulate(text):\n"
        "    activity.logger.warning('Completing activity as failed')\n"
        "ActivityEnvironment().run(simulate, secret)\n"
    )

    assert record["event"] == "Completing activity as failed"
    assert (record["workflow_id"], record["activity_type"]) == ("test", "unknown")
    assert not {key for key in record if key.startswith("temporal")}


def test_levels_are_obeyed_by_own_and_library_loggers():
    (record,) = records("log.info('a')\nlogging.getLogger('uvicorn').info('b')\nlog.warning('c')\n", level="WARNING")
    assert record["event"] == "c"
    assert records("logging.getLogger('sqlalchemy.engine').info('select 1')", level="DEBUG") == []


def test_console_format_is_for_people():
    script = (
        "import structlog\n"
        "from runtime.telemetry import configure_logging\n"
        "configure_logging(level='INFO', format='console')\n"
        "structlog.get_logger('x').info('started')\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert "started" in ran.stderr
    assert not ran.stderr.startswith("{")


def test_a_bug_in_a_loop_is_told_by_class_and_place():
    (record,) = records(
        "from runtime.background import background\n"
        "async def one_round():\n"
        "    raise RuntimeError(secret)\n"
        "async def main():\n"
        "    async with background(one_round, name='counting'):\n"
        "        await asyncio.sleep(0)\n"
        "        await asyncio.sleep(0)\n"
        "asyncio.run(main())\n"
    )

    assert (record["event"], record["loop"], record["error_class"]) == ("loop_failed", "counting", "RuntimeError")
    assert record["at"][-1].endswith("one_round")
