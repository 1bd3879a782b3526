# route: who may send what to whom, and where it goes. Pure.
noinst_LTLIBRARIES += libroute.la
libroute_la_SOURCES = gateway/route/route.c gateway/route/route.h

UNIT_TESTS += tests/unit/route
tests_unit_route_SOURCES = tests/unit/route.c
tests_unit_route_LDADD = libunit.la libroute.la
