#!/bin/sh
# Makes ./configure from configure.ac (needs autoconf, automake, autoconf-archive, pkg-config).
cd "$(dirname "$0")" && mkdir -p m4 build-aux && exec autoreconf -fi
