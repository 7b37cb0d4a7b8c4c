import re
import time

from domain.ids import derived_id, new_correlation_id, new_operation_id


def test_an_operation_id_is_a_version_7_uuid_in_hex():
    assert re.fullmatch(r"pop_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}", new_operation_id())


def test_later_ids_sort_later():
    earlier = new_operation_id()
    time.sleep(0.002)
    assert new_operation_id() > earlier


def test_ids_do_not_repeat():
    assert len({new_operation_id() for _ in range(10_000)}) == 10_000


def test_what_an_operation_makes_has_its_digits():
    operation_id = new_operation_id()
    assert derived_id("pp", operation_id) == operation_id.replace("pop_", "pp_")


def test_a_generated_correlation_id_is_a_valid_one():
    assert re.fullmatch(r"corr_[0-9a-f]{12}", new_correlation_id())
