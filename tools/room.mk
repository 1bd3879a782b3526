# tools: muengsten-send (integrators)
bin_PROGRAMS += tools/muengsten-send
tools_muengsten_send_SOURCES = \
	tools/send/connection.c tools/send/connection.h \
	tools/send/document.c tools/send/document.h \
	tools/send/histogram.c tools/send/histogram.h \
	tools/send/main.c \
	tools/send/options.c tools/send/options.h \
	tools/send/output.c tools/send/output.h \
	tools/send/receipt.c tools/send/receipt.h \
	tools/send/report.c tools/send/report.h \
	tools/send/session.c tools/send/session.h
tools_muengsten_send_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(LIBXML2_CFLAGS) $(OPENSSL_CFLAGS)
tools_muengsten_send_LDADD = libtrust.la libmessage.la libnet.la libbase.la $(LIBEVENT_LIBS) \
	$(LIBXML2_LIBS) $(OPENSSL_LIBS) $(ZLIB_LIBS)
dist_man_MANS += docs/muengsten-send.1
