"""An answer of tens of megabytes is sent as it is read, not put together first."""

import asyncio
import json
import tracemalloc

import pytest
from starlette.responses import Response

from api.wire import StoredJson, json_bytes, json_response
from services.documents import LARGE_BYTES

TEXT = json.dumps({"note": "ä\N{GRINNING FACE}" * LARGE_BYTES}, ensure_ascii=False)


async def sent(response: Response) -> tuple[dict[str, str], bytes]:
    messages = []

    async def send(message):
        messages.append(message)

    await response({"type": "http"}, asyncio.Queue().get, send)
    headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
    assert [message.get("more_body", False) for message in messages[1:]] == [*[True] * (len(messages) - 2), False]
    return headers, b"".join(message["body"] for message in messages[1:])


@pytest.mark.parametrize("text", ["{}", TEXT])
async def test_an_answer_is_the_same_however_large_it_is(text):
    value = {"a": StoredJson('{"x":', text, "}"), "b": [1, "ü", StoredJson(text)], "c": {}, "d": []}
    headers, body = await sent(json_response(value, status_code=202, headers={"ETag": '"1"'}))
    stored = json.loads(text)
    assert json.loads(body) == {"a": {"x": stored}, "b": [1, "ü", stored], "c": {}, "d": []}
    assert body == json_bytes(value)
    assert headers == {"content-length": str(len(body)), "content-type": "application/json", "etag": '"1"'}


async def test_documents_that_stand_in_an_answer_three_times_are_in_memory_once():
    text = json.dumps("\N{GRINNING FACE}" * 2_500_000, ensure_ascii=False).encode()

    async def send(_):
        pass

    tracemalloc.start()
    try:
        await json_response([StoredJson(text)] * 3)({"type": "http"}, asyncio.Queue().get, send)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000
