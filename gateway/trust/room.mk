# trust: schemas, signatures, seals, certificates, revocation. Knows nothing of where messages go.
noinst_LTLIBRARIES += libtrust.la
libtrust_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS) $(OPENSSL_CFLAGS)
libtrust_la_LIBADD = libbase.la $(LIBXML2_LIBS) $(OPENSSL_LIBS) -lpthread
libtrust_la_SOURCES =
libtrust_la_SOURCES += gateway/trust/file.c gateway/trust/file.h
libtrust_la_SOURCES += gateway/trust/key.c gateway/trust/key.h

UNIT_TESTS += tests/unit/key
tests_unit_key_SOURCES = tests/unit/key.c
tests_unit_key_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
tests_unit_key_LDADD = libunit.la libtrust.la $(OPENSSL_LIBS)
