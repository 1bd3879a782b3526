# dispatch: schedules deliveries, hosts the adapters, retries, gives up.
noinst_LTLIBRARIES += libdispatch.la
libdispatch_la_SOURCES = \
	gateway/dispatch/breaker.c gateway/dispatch/breaker.h \
	gateway/dispatch/delivery.c gateway/dispatch/delivery.h \
	gateway/dispatch/dispatch.c gateway/dispatch/dispatch.h \
	gateway/dispatch/host.c gateway/dispatch/host.h \
	gateway/dispatch/http_in.c \
	gateway/dispatch/http_out.c \
	gateway/dispatch/instance.h \
	gateway/dispatch/parameters.c gateway/dispatch/parameters.h \
	gateway/dispatch/retry.c gateway/dispatch/retry.h \
	gateway/dispatch/services.c \
	gateway/dispatch/submission.c
libdispatch_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)

UNIT_TESTS += tests/unit/dispatch
tests_unit_dispatch_SOURCES = tests/unit/dispatch.c
tests_unit_dispatch_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS)
tests_unit_dispatch_LDADD = libunit.la libdispatch.la libbase.la $(LIBXML2_LIBS)
