# trust: schemas, signatures, seals, certificates, revocation. Knows nothing of where messages go.
noinst_LTLIBRARIES += libtrust.la
libtrust_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS) $(OPENSSL_CFLAGS)
libtrust_la_LIBADD = libbase.la $(LIBXML2_LIBS) $(OPENSSL_LIBS) -lpthread
libtrust_la_SOURCES =
libtrust_la_SOURCES += gateway/trust/anchors.c
libtrust_la_SOURCES += gateway/trust/authorities.c gateway/trust/authorities.h
libtrust_la_SOURCES += gateway/trust/certificate.c gateway/trust/certificate.h
libtrust_la_SOURCES += gateway/trust/confinement.c gateway/trust/confinement.h
libtrust_la_SOURCES += gateway/trust/file.c gateway/trust/file.h
libtrust_la_SOURCES += gateway/trust/findings.c gateway/trust/findings.h
libtrust_la_SOURCES += gateway/trust/key.c gateway/trust/key.h
libtrust_la_SOURCES += gateway/trust/proven.c gateway/trust/proven.h
libtrust_la_SOURCES += gateway/trust/revocation.c gateway/trust/revocation.h
libtrust_la_SOURCES += gateway/trust/schema.c gateway/trust/schema.h

UNIT_TESTS += tests/unit/certificate
tests_unit_certificate_SOURCES = tests/unit/certificate.c tests/unit/pki.c tests/unit/pki.h
tests_unit_certificate_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
tests_unit_certificate_LDADD = libunit.la libtrust.la $(OPENSSL_LIBS)

UNIT_TESTS += tests/unit/key
tests_unit_key_SOURCES = tests/unit/key.c
tests_unit_key_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
tests_unit_key_LDADD = libunit.la libtrust.la $(OPENSSL_LIBS)

UNIT_TESTS += tests/unit/schema
tests_unit_schema_SOURCES = tests/unit/schema.c
tests_unit_schema_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS)
tests_unit_schema_LDADD = libunit.la libtrust.la $(LIBXML2_LIBS)
