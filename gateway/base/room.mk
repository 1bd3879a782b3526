# base: log, clock, ids, buffers, the worker pool. Knows nothing of messages.
noinst_LTLIBRARIES += libbase.la
libbase_la_SOURCES = \
	gateway/base/buffer.c gateway/base/buffer.h \
	gateway/base/characters.c gateway/base/characters.h \
	gateway/base/clock.c gateway/base/clock.h \
	gateway/base/error.c gateway/base/error.h \
	gateway/base/handoff.c gateway/base/handoff.h \
	gateway/base/histogram.c gateway/base/histogram.h \
	gateway/base/id.c gateway/base/id.h \
	gateway/base/json.c gateway/base/json.h \
	gateway/base/log.c gateway/base/log.h \
	gateway/base/pool.c gateway/base/pool.h \
	gateway/base/text.c gateway/base/text.h
libbase_la_LIBADD = $(OPENSSL_LIBS) -lpthread

UNIT_TESTS += tests/unit/base
tests_unit_base_SOURCES = tests/unit/base.c
tests_unit_base_LDADD = libunit.la libbase.la

UNIT_TESTS += tests/unit/histogram
tests_unit_histogram_SOURCES = tests/unit/histogram.c
tests_unit_histogram_LDADD = libunit.la libbase.la
