#!/bin/sh
# Makes ./configure from configure.ac. Needed once after a clone, and after configure.ac changed.
set -eu
cd "$(dirname "$0")"
mkdir -p m4
exec autoreconf --force --install --warnings=all
