"""What the comparison of pages lets pass, and what it finds."""

import pytest
from doc_pages import rewritten, steps
from shown_answers import difference, laid_out

A, B = "pop_01a209cfabe47ee5874eb241cbfaeb1b", "pop_01a209cfabe47ee5874eb241cbfaeb2c"
PAGE = """# A page

```sh
make dev
```

```sh
curl -sS $URL
```

```json
old
```

```python
# first.py
print(1)
```

```sh
python first.py
```

```sh
node first.mjs
```

```text
from Node
```

```json
{"an": "example"}
```
"""


@pytest.mark.parametrize(
    ("shown", "came"),
    [
        ([f'{{"id": "{A}"}}'], [f'{{"id": "{B}"}}']),
        ([f"{A} {A.replace('pop', 'pp')}"], [f"{B} {B.replace('pop', 'pp')}"]),
        (["at 2026-11-26T10:18:15.572276+00:00"], ["at 2027-01-01T00:00:00.000001+00:00"]),
        (["date: Thu, 26 Nov 2026 10:18:16 GMT"], ["date: Fri, 01 Jan 2027 00:00:00 GMT"]),
        (["sha256:" + "a" * 64], ["sha256:" + "b" * 64]),
        (["took 12 ms, key case-1795690206"], ["took 7.5 s, key case-1795690207"]),
        ([f"{A} PENDING\n{A} SUCCEEDED 3 of 3 runs, 58 runs/s, 0 s left"], [f"{A} SUCCEEDED 3 of 3 runs"]),
        (['{"a": 1, "b": 2}'], ['{\n  "a": 1,\n  "b": 2\n}']),
    ],
)
def test_what_varies_from_run_to_run_is_no_difference(shown, came):
    assert difference(shown, came) == ""


@pytest.mark.parametrize(
    ("shown", "came"),
    [
        (['{"status": "PENDING"}'], ['{"status": "RUNNING"}']),
        ([f"{A} {A}"], [f"{A} {B}"]),
        ([f"{A} {B}"], [f"{A} {A}"]),
        ([A], ["pop_1"]),
        ([A], [A.replace("pop", "pp")]),
        ([A, A], [A, B]),
        (['{"at": "2026-11-26T10:18:15+00:00"}'], ['{"at": null}']),
        (["401"], ["403"]),
        (["one"], ["one\ntwo"]),
    ],
)
def test_everything_else_is_one(shown, came):
    assert difference(shown, came) != ""


def test_json_gets_line_breaks_and_nothing_else():
    assert laid_out('{"a":{"b":[1,"é"]}}', "json") == '{"a": {"b": [1, "é"]}}'
    long = laid_out('{"a":"' + "x" * 120 + '","b":{"c":1}}', "json")
    assert long == '{\n  "a": "' + "x" * 120 + '",\n  "b": {"c": 1}\n}'
    assert laid_out('{"a":1}\n{"b":2}', "json") == '{"a": 1}\n{"b": 2}'
    with pytest.raises(ValueError, match="Expecting value"):
        laid_out("curl: (7) Failed to connect", "json")


def test_a_page_has_the_steps_of_its_reader():
    found = steps(PAGE, node=True)
    assert [step.file_name or step.text for step in found] == [
        "curl -sS $URL\n",
        "first.py",
        "python first.py\n",
        "node first.mjs\n",
    ]
    assert [step.shown for step in found if step.answer_at] == ["old", "from Node"]
    assert [step.shown for step in steps(PAGE, node=False) if step.answer_at] == ["old"]


def test_answers_are_written_where_they_stand():
    found = steps(PAGE, node=False)
    assert rewritten(PAGE, found, ['{"new": 1}']) == PAGE.replace("\nold\n", '\n{"new": 1}\n')
