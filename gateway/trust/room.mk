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

libtrust_la_CPPFLAGS += $(XMLSEC_CFLAGS)
libtrust_la_LIBADD += $(XMLSEC_LIBS)
libtrust_la_SOURCES += gateway/trust/receipt.c gateway/trust/receipt.h
libtrust_la_SOURCES += gateway/trust/seal.c gateway/trust/seal.h
libtrust_la_SOURCES += gateway/trust/signature.h
libtrust_la_SOURCES += gateway/trust/signature_algorithm.c gateway/trust/signature_algorithm.h
libtrust_la_SOURCES += gateway/trust/signature_canonical.c gateway/trust/signature_canonical.h
libtrust_la_SOURCES += gateway/trust/signature_certificate.c gateway/trust/signature_certificate.h
libtrust_la_SOURCES += gateway/trust/signature_make.c gateway/trust/signature_make.h
libtrust_la_SOURCES += gateway/trust/signature_shape.c gateway/trust/signature_shape.h
libtrust_la_SOURCES += gateway/trust/signature_start.c
libtrust_la_SOURCES += gateway/trust/signature_text.c gateway/trust/signature_text.h
libtrust_la_SOURCES += gateway/trust/signature_value.c gateway/trust/signature_value.h
libtrust_la_SOURCES += gateway/trust/signature_verify.c

signature_test_sources = tests/unit/pki.c tests/unit/pki.h
signature_test_sources += tests/unit/signature_pki.c tests/unit/signature_pki.h
signature_test_sources += tests/unit/signature_foreign.c tests/unit/signature_foreign.h
signature_test_libraries = libunit.la libtrust.la libmessage.la
UNIT_TESTS += tests/unit/signature
tests_unit_signature_SOURCES = tests/unit/signature.c $(signature_test_sources)
tests_unit_signature_CPPFLAGS = $(AM_CPPFLAGS) $(XMLSEC_CFLAGS)
tests_unit_signature_LDADD = $(signature_test_libraries)
UNIT_TESTS += tests/unit/signature_refused
tests_unit_signature_refused_SOURCES = tests/unit/signature_refused.c $(signature_test_sources)
tests_unit_signature_refused_CPPFLAGS = $(AM_CPPFLAGS) $(XMLSEC_CFLAGS)
tests_unit_signature_refused_LDADD = $(signature_test_libraries)
UNIT_TESTS += tests/unit/seal
tests_unit_seal_SOURCES = tests/unit/seal.c $(signature_test_sources)
tests_unit_seal_CPPFLAGS = $(AM_CPPFLAGS) $(XMLSEC_CFLAGS)
tests_unit_seal_LDADD = $(signature_test_libraries)
UNIT_TESTS += tests/unit/receipt
tests_unit_receipt_SOURCES = tests/unit/receipt.c $(signature_test_sources)
tests_unit_receipt_CPPFLAGS = $(AM_CPPFLAGS) $(XMLSEC_CFLAGS)
tests_unit_receipt_LDADD = $(signature_test_libraries)
EXTRA_DIST += tests/system/VerifySeal.java

if FUZZERS
noinst_PROGRAMS += tests/fuzz/signature
tests_fuzz_signature_SOURCES = tests/fuzz/signature.c tests/unit/pki.c tests/unit/pki.h
tests_fuzz_signature_SOURCES += tests/unit/signature_pki.c tests/unit/signature_pki.h
tests_fuzz_signature_CPPFLAGS = $(AM_CPPFLAGS) $(XMLSEC_CFLAGS)
tests_fuzz_signature_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_signature_LDADD = libtrust.la libmessage.la
endif
EXTRA_DIST += tests/fuzz/corpus/signature/detached.xml
EXTRA_DIST += tests/fuzz/corpus/signature/empty.xml
EXTRA_DIST += tests/fuzz/corpus/signature/enveloped.xml
EXTRA_DIST += tests/fuzz/corpus/signature/hmac.xml
EXTRA_DIST += tests/fuzz/corpus/signature/keyvalue.xml
EXTRA_DIST += tests/fuzz/corpus/signature/part.xml
EXTRA_DIST += tests/fuzz/corpus/signature/prefixes.xml
EXTRA_DIST += tests/fuzz/corpus/signature/properties.xml
EXTRA_DIST += tests/fuzz/corpus/signature/two.xml
