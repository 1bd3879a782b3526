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
