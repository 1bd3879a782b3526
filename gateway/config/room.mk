# config: reads and checks the XML configuration into one immutable snapshot.
noinst_LTLIBRARIES += libconfig.la
libconfig_la_SOURCES = \
	gateway/config/arena.c gateway/config/arena.h \
	gateway/config/check.c \
	gateway/config/config.h \
	gateway/config/credentials.c gateway/config/credentials.h \
	gateway/config/defaults.c gateway/config/defaults.h \
	gateway/config/document.c gateway/config/document.h \
	gateway/config/load.c gateway/config/load.h \
	gateway/config/lookup.c gateway/config/lookup.h \
	gateway/config/objections.c gateway/config/objections.h \
	gateway/config/problems.c gateway/config/problems.h \
	gateway/config/read_ends.c \
	gateway/config/read_gateway.c \
	gateway/config/read_partners.c \
	gateway/config/read_profiles.c \
	gateway/config/reader.c gateway/config/reader.h \
	gateway/config/snapshot.c gateway/config/snapshot.h \
	gateway/config/values.c gateway/config/values.h
libconfig_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS) $(OPENSSL_CFLAGS) \
	-DMG_DATA_FOLDER='"$(pkgdatadir)"' -DMG_ADAPTERS_FOLDER='"$(pkglibdir)/adapters"'
libconfig_la_LIBADD = libtrust.la libmessage.la libroute.la libbase.la $(LIBXML2_LIBS) $(OPENSSL_LIBS)
