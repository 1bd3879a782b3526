# tools: muengsten-send and muengsten-adapter-host (integrators). The convenience library lets the
# unit tests link what it is made of.
noinst_LTLIBRARIES += libsend.la
libsend_la_SOURCES = \
	tools/send/connection.c tools/send/connection.h \
	tools/send/document.c tools/send/document.h \
	tools/send/histogram.c tools/send/histogram.h \
	tools/send/options.c tools/send/options.h \
	tools/send/output.c tools/send/output.h \
	tools/send/receipt.c tools/send/receipt.h \
	tools/send/report.c tools/send/report.h \
	tools/send/session.c tools/send/session.h
libsend_la_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(LIBXML2_CFLAGS) $(OPENSSL_CFLAGS)
libsend_la_LIBADD = libtrust.la libmessage.la libnet.la libbase.la \
	$(LIBEVENT_LIBS) $(LIBXML2_LIBS) $(OPENSSL_LIBS) $(ZLIB_LIBS)

bin_PROGRAMS += tools/muengsten-send
tools_muengsten_send_SOURCES = tools/send/main.c
tools_muengsten_send_CFLAGS = $(libsend_la_CFLAGS)
tools_muengsten_send_LDFLAGS = $(AM_LDFLAGS) -pie
tools_muengsten_send_LDADD = libsend.la
dist_man_MANS += docs/muengsten-send.1

UNIT_TESTS += tests/unit/send
tests_unit_send_SOURCES = tests/unit/send.c
tests_unit_send_CFLAGS = $(libsend_la_CFLAGS)
tests_unit_send_LDADD = libunit.la libsend.la

bin_PROGRAMS += tools/muengsten-adapter-host
tools_muengsten_adapter_host_SOURCES = \
	tools/adapter-host/boxes.c \
	tools/adapter-host/calls.c \
	tools/adapter-host/deliveries.c \
	tools/adapter-host/exchanges.c \
	tools/adapter-host/host.h \
	tools/adapter-host/load.c \
	tools/adapter-host/main.c \
	tools/adapter-host/services.c \
	tools/adapter-host/session.c \
	tools/adapter-host/submissions.c
tools_muengsten_adapter_host_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS)
tools_muengsten_adapter_host_LDFLAGS = $(AM_LDFLAGS) -pie
tools_muengsten_adapter_host_LDADD = libframes.la libbase.la $(LIBEVENT_LIBS) $(JANSSON_LIBS) \
	-ldl -lpthread
dist_man_MANS += docs/muengsten-adapter-host.1
