# audit: what happened, chained and signed, for those who have to prove it later.
noinst_LTLIBRARIES += libaudit.la
libaudit_la_SOURCES = \
	gateway/audit/audit.c gateway/audit/audit.h \
	gateway/audit/lines.c gateway/audit/lines.h \
	gateway/audit/trail.h \
	gateway/audit/upkeep.c
libaudit_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS) $(OPENSSL_CFLAGS)
