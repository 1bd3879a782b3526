# certs: the script that makes a development PKI; what it makes is never committed.
dist_pkgdata_SCRIPTS = certs/pki
EXTRA_DIST += certs/README.md

TESTS += tests/system/pki.sh
EXTRA_DIST += tests/system/pki.sh
