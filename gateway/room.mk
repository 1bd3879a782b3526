# The daemon itself.
sbin_PROGRAMS += gateway/muengstend
gateway_muengstend_SOURCES = \
	gateway/gateway.c gateway/gateway.h \
	gateway/listeners.c gateway/listeners.h \
	gateway/muengstend.c \
	gateway/notify.c gateway/notify.h \
	gateway/parts.h gateway/reload.c gateway/seal_change.c gateway/upkeep.c
gateway_muengstend_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS) $(LIBEVENT_CFLAGS) \
	$(OPENSSL_CFLAGS) \
	-DSYSCONFDIR='"$(sysconfdir)"'
gateway_muengstend_LDFLAGS = $(AM_LDFLAGS) -pie
gateway_muengstend_LDADD = \
	liboperate.la libdispatch.la libintake.la libconfig.la libnet.la libstore.la libroute.la \
	libtrust.la \
	libmessage.la libbase.la \
	$(LIBEVENT_LIBS) $(XMLSEC_LIBS) $(LIBXML2_LIBS) $(OPENSSL_LIBS) $(SQLITE_LIBS) $(ZLIB_LIBS) \
	$(JANSSON_LIBS) -ldl -lpthread

UNIT_TESTS += tests/unit/notify
tests_unit_notify_SOURCES = tests/unit/notify.c gateway/notify.c gateway/notify.h
tests_unit_notify_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_unit_notify_LDADD = libunit.la libbase.la $(LIBEVENT_LIBS)
