"""Files of commands go whole to the path that is given, and nothing else changes there."""

import os
import stat
import threading

from cli.whole_file import OWNER_ONLY, write_whole


def test_a_leftover_of_a_killed_run_gives_a_pack_neither_its_mode_nor_its_target(tmp_path):
    other = tmp_path / "other"
    other.write_text("other")
    (tmp_path / "linked.zip.unfinished").symlink_to(other)
    (tmp_path / "pack.zip.unfinished").touch(mode=0o644)

    for name in ("linked.zip", "pack.zip"):
        write_whole(tmp_path / name, b"pack", mode=OWNER_ONLY)
        assert (tmp_path / name).read_bytes() == b"pack"
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == OWNER_ONLY

    assert other.read_text() == "other"


def test_a_link_stays_and_its_target_is_written(tmp_path):
    link, target = tmp_path / "link.zip", tmp_path / "target.zip"
    link.symlink_to(target)

    write_whole(link, b"pack")

    assert link.is_symlink()
    assert target.read_bytes() == b"pack"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()

    write_whole(pipe, b"pack")

    assert pipe.is_fifo()
    reader.join(timeout=30)
    assert read == [b"pack"]
