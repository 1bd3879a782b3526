# net: TLS, HTTP server and client on libevent, streaming both ways. Never sees a message.
noinst_LTLIBRARIES += libhttpparser.la libnet.la

# Pure, and apart, so that the fuzzer gets nothing else.
libhttpparser_la_SOURCES = \
	gateway/net/http.h \
	gateway/net/http_body.c \
	gateway/net/http_parser.c gateway/net/http_parser.h

libnet_la_SOURCES = \
	gateway/net/address.c gateway/net/address.h \
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
	gateway/net/inherited.c gateway/net/inherited.h \
	gateway/net/local.c gateway/net/local.h \
	gateway/net/tls.c gateway/net/tls.h \
	gateway/net/tls_peers.c gateway/net/tls_peers.h \
	gateway/net/url.c gateway/net/url.h
libnet_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)
libnet_la_LIBADD = libhttpparser.la libbase.la $(LIBEVENT_LIBS) $(OPENSSL_LIBS)

UNIT_TESTS += tests/unit/net_address
tests_unit_net_address_SOURCES = tests/unit/net_address.c
tests_unit_net_address_LDADD = libunit.la libnet.la

UNIT_TESTS += tests/unit/net_parser
tests_unit_net_parser_SOURCES = tests/unit/net_parser.c
tests_unit_net_parser_LDADD = libunit.la libnet.la

check_LTLIBRARIES += libnetworld.la
libnetworld_la_SOURCES = \
	tests/unit/net_peer.c \
	tests/unit/net_pki.c tests/unit/net_pki.h \
	tests/unit/net_world.c tests/unit/net_world.h
libnetworld_la_LIBADD = libunit.la libnet.la -lpthread

UNIT_TESTS += tests/unit/net_server tests/unit/net_client tests/unit/net_tls
tests_unit_net_server_SOURCES = tests/unit/net_server.c
tests_unit_net_server_LDADD = libnetworld.la
tests_unit_net_client_SOURCES = tests/unit/net_client.c
tests_unit_net_client_LDADD = libnetworld.la
tests_unit_net_tls_SOURCES = tests/unit/net_tls.c
tests_unit_net_tls_LDADD = libnetworld.la

if FUZZERS
noinst_PROGRAMS += tests/fuzz/http
tests_fuzz_http_SOURCES = tests/fuzz/http.c
tests_fuzz_http_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_http_LDADD = libhttpparser.la
endif
