# config: reads and checks the XML configuration into one immutable snapshot.
noinst_LTLIBRARIES += libconfig.la
libconfig_la_SOURCES = \
	gateway/config/arena.c gateway/config/arena.h \
	gateway/config/check.c \
	gateway/config/config.h \
	gateway/config/credentials.c gateway/config/credentials.h \
	gateway/config/defaults.c gateway/config/defaults.h \
	gateway/config/document.c gateway/config/document.h \
	gateway/config/file.c gateway/config/file.h \
	gateway/config/load.c gateway/config/load.h \
	gateway/config/lookup.c gateway/config/lookup.h \
	gateway/config/objections.c gateway/config/objections.h \
	gateway/config/problems.c gateway/config/problems.h \
	gateway/config/read_ends.c \
	gateway/config/read_gateway.c \
	gateway/config/read_identity.c \
	gateway/config/read_operators.c \
	gateway/config/read_partners.c \
	gateway/config/read_profiles.c \
	gateway/config/read_sites.c \
	gateway/config/reader.c gateway/config/reader.h \
	gateway/config/snapshot.c gateway/config/snapshot.h \
	gateway/config/values.c gateway/config/values.h
libconfig_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS) $(OPENSSL_CFLAGS) \
	-DMG_DATA_FOLDER='"$(pkgdatadir)"' -DMG_ADAPTERS_FOLDER='"$(pkglibdir)/adapters"'
libconfig_la_LIBADD = libtrust.la libmessage.la libroute.la libbase.la $(LIBXML2_LIBS) \
	$(OPENSSL_LIBS)

CONFIG_TEST_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS) $(OPENSSL_CFLAGS) \
	-DMG_SOURCE_FOLDER='"$(abs_top_srcdir)"'
CONFIG_TEST_LIBS = libunit.la libconfig.la $(LIBXML2_LIBS) $(OPENSSL_LIBS) -lpthread

UNIT_TESTS += tests/unit/config tests/unit/config_mistakes tests/unit/config_values
tests_unit_config_SOURCES = tests/unit/config.c \
	tests/unit/config_fixture.c tests/unit/config_fixture.h
tests_unit_config_CPPFLAGS = $(CONFIG_TEST_CPPFLAGS)
tests_unit_config_LDADD = $(CONFIG_TEST_LIBS)
tests_unit_config_mistakes_SOURCES = tests/unit/config_mistakes.c \
	tests/unit/config_fixture.c tests/unit/config_fixture.h
tests_unit_config_mistakes_CPPFLAGS = $(CONFIG_TEST_CPPFLAGS)
tests_unit_config_mistakes_LDADD = $(CONFIG_TEST_LIBS)
tests_unit_config_values_SOURCES = tests/unit/config_values.c
tests_unit_config_values_CPPFLAGS = $(CONFIG_TEST_CPPFLAGS)
tests_unit_config_values_LDADD = $(CONFIG_TEST_LIBS)

if FUZZERS
noinst_PROGRAMS += tests/fuzz/config
tests_fuzz_config_SOURCES = tests/fuzz/config.c
tests_fuzz_config_CPPFLAGS = $(CONFIG_TEST_CPPFLAGS)
tests_fuzz_config_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_config_LDADD = libconfig.la $(LIBXML2_LIBS) $(OPENSSL_LIBS)
endif
