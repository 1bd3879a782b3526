# intake: the stages from bytes to committed message, and every reason to refuse one.
noinst_LTLIBRARIES += libintake.la
libintake_la_SOURCES = \
	gateway/intake/checks.c gateway/intake/checks.h \
	gateway/intake/intake.c gateway/intake/intake.h \
	gateway/intake/judging.c \
	gateway/intake/quota.c gateway/intake/quota.h \
	gateway/intake/reading.c \
	gateway/intake/refusal.c gateway/intake/refusal.h \
	gateway/intake/report.c gateway/intake/report.h \
	gateway/intake/sealing.c \
	gateway/intake/tally.c gateway/intake/tally.h \
	gateway/intake/trip.h
libintake_la_LIBADD = libaudit.la
libintake_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS)

UNIT_TESTS += tests/unit/intake
tests_unit_intake_SOURCES = tests/unit/intake.c
tests_unit_intake_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS)
tests_unit_intake_LDADD = libunit.la libintake.la libmessage.la libbase.la $(LIBXML2_LIBS)

UNIT_TESTS += tests/unit/intake_load
tests_unit_intake_load_SOURCES = tests/unit/intake_load.c
tests_unit_intake_load_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS)
tests_unit_intake_load_LDADD = \
	libunit.la libintake.la libconfig.la libstore.la libroute.la libtrust.la libmessage.la \
	libbase.la $(XMLSEC_LIBS) $(LIBXML2_LIBS) $(OPENSSL_LIBS) $(SQLITE_LIBS) $(ZLIB_LIBS) -lpthread

UNIT_TESTS += tests/unit/tally
tests_unit_tally_SOURCES = tests/unit/tally.c
tests_unit_tally_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS)
tests_unit_tally_LDADD = libunit.la libintake.la libbase.la
