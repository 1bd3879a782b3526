# trust: schemas, signatures, seals, certificates, revocation. Knows nothing of where messages go.
noinst_LTLIBRARIES += libtrust.la
libtrust_la_SOURCES = \
	gateway/trust/anchors.c \
	gateway/trust/authorities.c gateway/trust/authorities.h \
	gateway/trust/certificate.c gateway/trust/certificate.h \
	gateway/trust/confinement.c gateway/trust/confinement.h \
	gateway/trust/file.c gateway/trust/file.h \
	gateway/trust/findings.c gateway/trust/findings.h \
	gateway/trust/issuers.c gateway/trust/issuers.h \
	gateway/trust/key.c gateway/trust/key.h \
	gateway/trust/plain.c gateway/trust/plain.h \
	gateway/trust/proven.c gateway/trust/proven.h \
	gateway/trust/receipt.c gateway/trust/receipt.h \
	gateway/trust/receipt_reading.c gateway/trust/receipt_reading.h \
	gateway/trust/revocation.c gateway/trust/revocation.h \
	gateway/trust/schema.c gateway/trust/schema.h \
	gateway/trust/seal.c gateway/trust/seal.h \
	gateway/trust/signature.h \
	gateway/trust/signature_algorithm.c gateway/trust/signature_algorithm.h \
	gateway/trust/signature_canonical.c gateway/trust/signature_canonical.h \
	gateway/trust/signature_certificate.c gateway/trust/signature_certificate.h \
	gateway/trust/signature_make.c gateway/trust/signature_make.h \
	gateway/trust/signature_proof.c gateway/trust/signature_proof.h \
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
tests_unit_key_SOURCES = tests/unit/key.c tests/unit/pki.c tests/unit/pki.h
tests_unit_key_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
tests_unit_key_LDADD = libunit.la libtrust.la $(OPENSSL_LIBS)

UNIT_TESTS += tests/unit/schema
tests_unit_schema_SOURCES = tests/unit/schema.c
tests_unit_schema_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS)
tests_unit_schema_LDADD = libunit.la libtrust.la $(LIBXML2_LIBS)

TRUST_TEST_PKI = tests/unit/pki.c tests/unit/pki.h tests/unit/signature_pki.c \
	tests/unit/signature_pki.h
TRUST_TEST_SOURCES = $(TRUST_TEST_PKI) tests/unit/signature_foreign.c tests/unit/signature_foreign.h
TRUST_TEST_CPPFLAGS = $(AM_CPPFLAGS) $(XMLSEC_CFLAGS)
TRUST_TEST_LIBS = libunit.la libtrust.la libmessage.la

UNIT_TESTS += tests/unit/signature tests/unit/signature_refused tests/unit/seal tests/unit/receipt
tests_unit_signature_SOURCES = tests/unit/signature.c $(TRUST_TEST_SOURCES)
tests_unit_signature_CPPFLAGS = $(TRUST_TEST_CPPFLAGS)
tests_unit_signature_LDADD = $(TRUST_TEST_LIBS)
tests_unit_signature_refused_SOURCES = tests/unit/signature_refused.c $(TRUST_TEST_SOURCES)
tests_unit_signature_refused_CPPFLAGS = $(TRUST_TEST_CPPFLAGS)
tests_unit_signature_refused_LDADD = $(TRUST_TEST_LIBS)
tests_unit_seal_SOURCES = tests/unit/seal.c $(TRUST_TEST_SOURCES)
tests_unit_seal_CPPFLAGS = $(TRUST_TEST_CPPFLAGS)
tests_unit_seal_LDADD = $(TRUST_TEST_LIBS)
tests_unit_receipt_SOURCES = tests/unit/receipt.c $(TRUST_TEST_SOURCES)
tests_unit_receipt_CPPFLAGS = $(TRUST_TEST_CPPFLAGS)
tests_unit_receipt_LDADD = $(TRUST_TEST_LIBS)

EXTRA_DIST += tests/system/VerifySeal.java

if FUZZERS
noinst_PROGRAMS += tests/fuzz/signature
tests_fuzz_signature_SOURCES = tests/fuzz/signature.c $(TRUST_TEST_PKI)
tests_fuzz_signature_CPPFLAGS = $(TRUST_TEST_CPPFLAGS)
tests_fuzz_signature_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_signature_LDADD = libtrust.la libmessage.la
endif
