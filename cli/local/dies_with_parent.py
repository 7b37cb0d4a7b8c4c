"""`python dies_with_parent.py PARENT SIGNAL USER COMMAND...`: run the command, which gets SIGNAL when PARENT ends.

A program of its own, because a process with threads must not run Python between fork and exec. Standard library only.
"""

import ctypes
import os
import pwd
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1


def main(arguments: list[str]) -> None:
    parent, death_signal, user, *command = arguments
    if user:
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)  # a change of user would undo it
        if os.getppid() != int(parent):  # the parent ended before prctl
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 -- the whole point


if __name__ == "__main__":
    main(sys.argv[1:])
