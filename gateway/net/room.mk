# net: TLS, HTTP server and client on libevent, streaming both ways. Never sees a message.
noinst_LTLIBRARIES += libhttpparser.la libnet.la

# Pure, and apart, so that the fuzzer gets nothing else.
libhttpparser_la_SOURCES = \
	gateway/net/http.h \
	gateway/net/http_body.c \
	gateway/net/http_parser.c gateway/net/http_parser.h

libnet_la_SOURCES = \
	gateway/net/deadline.c gateway/net/deadline.h \
	gateway/net/dial.c gateway/net/dial.h \
	gateway/net/http.c gateway/net/http_common.h \
	gateway/net/http_answer.c \
	gateway/net/http_call.c gateway/net/http_call.h \
	gateway/net/http_client.c gateway/net/http_client.h \
	gateway/net/http_connection.c gateway/net/http_connection.h \
	gateway/net/http_ending.c \
	gateway/net/http_link.c \
	gateway/net/http_server.c gateway/net/http_server.h \
	gateway/net/tls.c gateway/net/tls.h \
	gateway/net/url.c gateway/net/url.h
libnet_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)
libnet_la_LIBADD = libhttpparser.la libbase.la $(LIBEVENT_LIBS) $(OPENSSL_LIBS)
