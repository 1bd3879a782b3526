# operate: shows operators the state of the gateway.
noinst_LTLIBRARIES += liboperate.la
liboperate_la_SOURCES = \
	gateway/operate/access.c gateway/operate/access.h \
	gateway/operate/ask.c gateway/operate/ask.h gateway/operate/ask_inside.h \
	gateway/operate/endpoint.c gateway/operate/endpoint.h \
	gateway/operate/metrics.c gateway/operate/metrics.h \
	gateway/operate/operate.c gateway/operate/operate.h \
	gateway/operate/overview.c gateway/operate/overview.h \
	gateway/operate/status.c gateway/operate/status.h \
	gateway/operate/target.c gateway/operate/target.h
liboperate_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS) \
	$(JANSSON_CFLAGS)

UNIT_TESTS += tests/unit/operate
tests_unit_operate_SOURCES = tests/unit/operate.c
tests_unit_operate_CPPFLAGS = $(liboperate_la_CPPFLAGS)
tests_unit_operate_LDADD = \
	libunit.la liboperate.la libdispatch.la libintake.la libconfig.la libnet.la libstore.la \
	libroute.la libtrust.la \
	libmessage.la libbase.la \
	$(LIBEVENT_LIBS) $(XMLSEC_LIBS) $(LIBXML2_LIBS) $(OPENSSL_LIBS) $(SQLITE_LIBS) $(ZLIB_LIBS) \
	$(JANSSON_LIBS) \
	-ldl -lpthread
