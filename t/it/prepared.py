#!/usr/bin/python3
"""Runs t/it/prepared (C, libmysqlclient) on a plain server and through Tessera; the TAP is the program's."""
import subprocess
import sys

from lib import *

helper = os.path.join(BUILD, "t", "it", "prepared")
if not os.access(helper, os.X_OK):
    skip_all("t/it/prepared is not built")
self_test = bool(os.environ.get("TESSERA_SQL_SELF"))
if not self_test:
    need_tesserad()
with Fleet(shards=1, proxies=0) as plain, Fleet(shards=1 if self_test else 4, proxies=0 if self_test else 1) as fleet:
    sys.exit(subprocess.run([helper, "127.0.0.1", str(plain.port("s1")), "127.0.0.1",
                             str(fleet.port("s1" if self_test else "p1"))]).returncode)
