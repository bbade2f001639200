#!/bin/bash
# Transactions on real servers, and kill -9 at every fault point of them: the coordinator is the test program itself.
set -u
. "$(dirname "$0")/engine.sh"
engine_tests txn "--binlog on" t/unit/txn_test t/fault/txn_chaos
