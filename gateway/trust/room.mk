# trust: schemas, signatures, seals, certificates, revocation. Knows nothing of where messages go.
noinst_LTLIBRARIES += libtrust.la
libtrust_la_SOURCES = \
	gateway/trust/anchors.c \
	gateway/trust/authorities.c gateway/trust/authorities.h \
	gateway/trust/certificate.c gateway/trust/certificate.h \
	gateway/trust/confinement.c gateway/trust/confinement.h \
	gateway/trust/file.c gateway/trust/file.h \
	gateway/trust/findings.c gateway/trust/findings.h \
	gateway/trust/key.c gateway/trust/key.h \
	gateway/trust/proven.c gateway/trust/proven.h \
	gateway/trust/receipt.c gateway/trust/receipt.h \
	gateway/trust/revocation.c gateway/trust/revocation.h \
	gateway/trust/schema.c gateway/trust/schema.h \
	gateway/trust/seal.c gateway/trust/seal.h \
	gateway/trust/signature.h \
	gateway/trust/signature_algorithm.c gateway/trust/signature_algorithm.h \
	gateway/trust/signature_canonical.c gateway/trust/signature_canonical.h \
	gateway/trust/signature_certificate.c gateway/trust/signature_certificate.h \
	gateway/trust/signature_make.c gateway/trust/signature_make.h \
	gateway/trust/signature_shape.c gateway/trust/signature_shape.h \
	gateway/trust/signature_start.c \
	gateway/trust/signature_text.c gateway/trust/signature_text.h \
	gateway/trust/signature_value.c gateway/trust/signature_value.h \
	gateway/trust/signature_verify.c
libtrust_la_CPPFLAGS = $(AM_CPPFLAGS) $(XMLSEC_CFLAGS) $(LIBXML2_CFLAGS) $(OPENSSL_CFLAGS)
libtrust_la_LIBADD = \
	libmessage.la libbase.la $(XMLSEC_LIBS) $(LIBXML2_LIBS) $(OPENSSL_LIBS) -lpthread

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
