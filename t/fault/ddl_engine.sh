#!/bin/bash
# DDL statements on real servers, and kill -9 at every fault point of them: the engine runs in the test programs themselves.
set -u
. "$(dirname "$0")/engine.sh"
engine_tests ddl "" t/unit/ddl_test t/fault/ddl_chaos
