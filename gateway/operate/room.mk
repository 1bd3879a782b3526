# operate: shows operators the state of the gateway.
noinst_LTLIBRARIES += libtarget.la liboperate.la

# Pure, and apart, so that the fuzzer gets nothing else.
libtarget_la_SOURCES = \
	gateway/operate/access.c gateway/operate/access.h \
	gateway/operate/target.c gateway/operate/target.h
libtarget_la_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)

liboperate_la_SOURCES = \
	gateway/operate/acts.c gateway/operate/acts.h \
	gateway/operate/ask.c gateway/operate/ask.h gateway/operate/ask_inside.h \
	gateway/operate/backups.c gateway/operate/backups.h \
	gateway/operate/caller.c \
	gateway/operate/content.c \
	gateway/operate/desk.c gateway/operate/desk.h \
	gateway/operate/destination_acts.c \
	gateway/operate/endpoint.c gateway/operate/endpoint.h \
	gateway/operate/entrances.c gateway/operate/entrances.h \
	gateway/operate/erasure.c \
	gateway/operate/events.c gateway/operate/events.h \
	gateway/operate/files.c gateway/operate/files.h \
	gateway/operate/health.c gateway/operate/health.h \
	gateway/operate/history.c gateway/operate/history.h \
	gateway/operate/message_view.c gateway/operate/message_view.h \
	gateway/operate/messages.c gateway/operate/messages.h \
	gateway/operate/metrics.c gateway/operate/metrics.h \
	gateway/operate/metrics_measures.c gateway/operate/metrics_measures.h \
	gateway/operate/metrics_text.c gateway/operate/metrics_text.h \
	gateway/operate/operate.c gateway/operate/operate.h \
	gateway/operate/overview.c gateway/operate/overview.h \
	gateway/operate/reloads.c gateway/operate/reloads.h \
	gateway/operate/question.c gateway/operate/question.h \
	gateway/operate/status.c gateway/operate/status.h \
	gateway/operate/status_named.c gateway/operate/status_named.h \
	gateway/operate/trail.c gateway/operate/trail.h
liboperate_la_LIBADD = libtarget.la
nodist_liboperate_la_SOURCES = gateway/operate/embedded.c
liboperate_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS) \
	$(JANSSON_CFLAGS)

# What the gateway carries in itself, each file served under its last name.
include gateway/operate/page/files.mk
EMBEDDED_FILES = $(PAGE_FILES) schemas/status.schema.json gateway/operate/openapi.json
gateway/operate/embedded.c: gateway/operate/embed $(EMBEDDED_FILES) Makefile
	$(AM_V_GEN)$(MKDIR_P) gateway/operate && set -- && \
	for file in $(EMBEDDED_FILES); do set -- "$$@" "$${file##*/}=$(srcdir)/$$file"; done && \
	$(SHELL) $(srcdir)/gateway/operate/embed "$$@" >$@.new && mv $@.new $@
CLEANFILES += gateway/operate/embedded.c
EXTRA_DIST += gateway/operate/embed $(EMBEDDED_FILES)

TARGET_TEST_LIBS = libtarget.la libnet.la libbase.la $(LIBEVENT_LIBS) $(OPENSSL_LIBS) -lpthread
UNIT_TESTS += tests/unit/target
tests_unit_target_SOURCES = tests/unit/target.c
tests_unit_target_CPPFLAGS = $(libtarget_la_CPPFLAGS)
tests_unit_target_LDADD = libunit.la $(TARGET_TEST_LIBS)

if FUZZERS
noinst_PROGRAMS += tests/fuzz/target
tests_fuzz_target_SOURCES = tests/fuzz/target.c
tests_fuzz_target_CPPFLAGS = $(libtarget_la_CPPFLAGS)
tests_fuzz_target_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_target_LDADD = $(TARGET_TEST_LIBS)
endif

UNIT_TESTS += tests/unit/operate tests/unit/health
tests_unit_operate_SOURCES = tests/unit/operate.c
tests_unit_operate_CPPFLAGS = $(liboperate_la_CPPFLAGS)
tests_unit_operate_LDADD = \
	libunit.la liboperate.la libdispatch.la libintake.la libconfig.la libnet.la libstore.la \
	libroute.la libtrust.la \
	libmessage.la libbase.la \
	$(LIBEVENT_LIBS) $(XMLSEC_LIBS) $(LIBXML2_LIBS) $(OPENSSL_LIBS) $(SQLITE_LIBS) $(ZLIB_LIBS) \
	$(JANSSON_LIBS) \
	-ldl -lpthread
UNIT_TESTS += tests/unit/operate_acts
tests_unit_operate_acts_SOURCES = tests/unit/operate_acts.c $(DISPATCH_OFFICE)
tests_unit_operate_acts_CPPFLAGS = $(tests_unit_dispatch_lanes_CPPFLAGS) $(JANSSON_CFLAGS)
tests_unit_operate_acts_DEPENDENCIES = \
	liboperate.la $(DISPATCH_LANES_ROOMS) tests/unit/adapter_tempers.la
tests_unit_operate_acts_LDADD = $(tests_unit_operate_LDADD)
UNIT_TESTS += tests/unit/openapi
tests_unit_openapi_SOURCES = tests/unit/openapi.c
tests_unit_openapi_CPPFLAGS = $(liboperate_la_CPPFLAGS)
tests_unit_openapi_LDADD = $(tests_unit_operate_LDADD)
tests_unit_health_SOURCES = tests/unit/health.c
tests_unit_health_CPPFLAGS = $(liboperate_la_CPPFLAGS)
tests_unit_health_LDADD = $(tests_unit_operate_LDADD)

UNIT_TESTS += tests/unit/question
tests_unit_question_SOURCES = tests/unit/question.c
tests_unit_question_CPPFLAGS = $(liboperate_la_CPPFLAGS)
tests_unit_question_LDADD = $(tests_unit_operate_LDADD)
