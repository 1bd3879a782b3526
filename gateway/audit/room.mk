# audit: what happened, chained and signed, for those who have to prove it later.
noinst_LTLIBRARIES += libaudit.la
libaudit_la_SOURCES = \
	gateway/audit/audit.c gateway/audit/audit.h \
	gateway/audit/closing.c gateway/audit/closing.h \
	gateway/audit/days.c gateway/audit/days.h \
	gateway/audit/export.c gateway/audit/export.h \
	gateway/audit/lines.c gateway/audit/lines.h \
	gateway/audit/seals.c gateway/audit/seals.h \
	gateway/audit/trail.h \
	gateway/audit/upkeep.c \
	gateway/audit/verify.c gateway/audit/verify.h
libaudit_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS) $(OPENSSL_CFLAGS) $(JANSSON_CFLAGS)
libaudit_la_LIBADD = $(JANSSON_LIBS)

UNIT_TESTS += tests/unit/audit
tests_unit_audit_SOURCES = tests/unit/audit.c $(STORE_TEST_HELPERS) $(TRUST_TEST_PKI)
tests_unit_audit_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS) $(OPENSSL_CFLAGS)
tests_unit_audit_LDADD = \
	libunit.la libaudit.la libconfig.la libnet.la libstore.la libroute.la libtrust.la \
	libmessage.la libbase.la \
	$(LIBEVENT_LIBS) $(XMLSEC_LIBS) $(LIBXML2_LIBS) $(OPENSSL_LIBS) $(SQLITE_LIBS) $(ZLIB_LIBS) \
	$(JANSSON_LIBS) -lpthread
