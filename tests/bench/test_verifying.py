from bench.verifying import EachItsOwn, Verified, table


def test_each_run_is_a_line_with_its_time_for_one_proposal():
    head, _, *lines = table([Verified(proposals=2_000, seconds=14.1, command=4.5, postgres=0.64)])
    assert lines == ["| 2,000 | 14.1 | 4.5 | 0.6 | 7.0 |"]
    assert head.count("|") == lines[0].count("|")


async def test_every_create_is_about_another_portfolio(monkeypatch):
    sent = []

    async def submit(self, mark):
        sent.append(self._sample["simulate_request"]["portfolio_snapshot"]["portfolio_id"])

    monkeypatch.setattr(EachItsOwn.__mro__[1], "submit", submit)
    async with EachItsOwn("http://127.0.0.1:1") as client:
        for mark in ("a", "b"):
            await client.submit(mark)
    assert sent == ["pf_a", "pf_b"]
