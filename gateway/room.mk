# The daemon itself.
sbin_PROGRAMS += gateway/muengstend
gateway_muengstend_SOURCES = \
	gateway/gateway.c gateway/gateway.h \
	gateway/listeners.c gateway/listeners.h \
	gateway/muengstend.c \
	gateway/parts.h gateway/reload.c gateway/upkeep.c
gateway_muengstend_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS) \
	-DSYSCONFDIR='"$(sysconfdir)"'
gateway_muengstend_LDFLAGS = $(AM_LDFLAGS) -pie
gateway_muengstend_LDADD = \
	liboperate.la libdispatch.la libintake.la libconfig.la libnet.la libstore.la libroute.la libtrust.la \
	libmessage.la libbase.la \
	$(LIBEVENT_LIBS) $(XMLSEC_LIBS) $(LIBXML2_LIBS) $(OPENSSL_LIBS) $(SQLITE_LIBS) $(ZLIB_LIBS) \
	$(JANSSON_LIBS) -ldl -lpthread
