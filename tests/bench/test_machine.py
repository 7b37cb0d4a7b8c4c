import os
import subprocess
import sys
import time

from bench.machine import Meter, Stat, _Reading, cpu_seconds, processes, stat_of, tree, usage_between

BURN = "import time\nwhile time.process_time() < 0.5: pass"
BURN_AND_STAY = f"{BURN}\nprint(flush=True)\nimport sys\nsys.stdin.read()"
# A child that has ended, and a grandchild that lives until its input ends.
FAMILY = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {BURN!r}], check=True)
grandchild = subprocess.Popen([sys.executable, "-c", {BURN_AND_STAY!r}], stdout=subprocess.PIPE)
grandchild.stdout.readline()
print("burnt", flush=True)
sys.stdin.read()
"""


def test_a_stat_is_read_past_a_name_with_spaces_and_brackets():
    line = "7 (a) b) (c) S 3 7 7 0 -1 4194560 1 0 0 0 100 50 25 25 20 0 1 0 9 0 0"
    ticks = os.sysconf("SC_CLK_TCK")
    assert stat_of(line) == Stat(parent=3, seconds=200 / ticks)


def test_a_tree_is_its_top_with_all_descendants_that_live():
    among = {1: Stat(0, 1.0), 2: Stat(1, 1.0), 3: Stat(2, 1.0), 4: Stat(1, 1.0), 5: Stat(0, 1.0)}
    assert tree([2, 9], among) == {2, 3}
    assert cpu_seconds({"a": [1], "b": [5], "c": [9]}, among) == {"a": 4.0, "b": 1.0, "c": 0}


def test_cpu_of_a_process_is_that_of_its_children_too_also_of_those_that_have_ended():
    with subprocess.Popen(
        [sys.executable, "-c", FAMILY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as family:
        assert family.stdout.readline() == "burnt\n"
        spent = cpu_seconds({"family": [family.pid]}, processes())["family"]
        family.stdin.close()
    assert 0.9 < spent < 5  # two burn half a second each; starting three interpreters takes some


def test_a_meter_counts_what_was_spent_since_it_was_made_and_leaves_other_children_out():
    while time.process_time() < 0.1:
        pass
    meter = Meter({})
    began = time.process_time()
    while time.process_time() - began < 0.2:
        pass
    usage = meter.read()
    assert 0.19 < usage.cpu["client"] < 1
    assert set(usage.cpu) == {"client"}


def test_what_others_took_is_the_machines_time_without_that_of_the_rows_own_processes():
    before = _Reading(10.0, 100.0, {"API": 1.0, "client": 1.0})
    quiet = usage_between(before, _Reading(20.0, 110.0, {"API": 6.0, "client": 5.0}))
    busy = usage_between(before, _Reading(20.0, 110.0, {"API": 4.0, "client": 4.0}))
    assert (quiet.foreign, quiet.is_disturbed) == (0.1, False)
    assert (busy.foreign, busy.is_disturbed) == (0.4, True)
    assert busy.cpu == {"API": 3.0, "client": 3.0}
