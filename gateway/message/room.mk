# message: hardened parsing, profiles, header, attachments. Pure: no I/O, no events.
noinst_LTLIBRARIES += libmessage.la
libmessage_la_SOURCES = \
	gateway/message/characters.c gateway/message/characters.h \
	gateway/message/header.h \
	gateway/message/inflate.c gateway/message/inflate.h \
	gateway/message/multipart.c gateway/message/multipart.h \
	gateway/message/profile.c gateway/message/profile.h \
	gateway/message/profile_check.c \
	gateway/message/profile_facts.h \
	gateway/message/profile_layout.c \
	gateway/message/profile_xpath.c \
	gateway/message/xml.h \
	gateway/message/xml_parse.c \
	gateway/message/xml_scan.c \
	gateway/message/xml_tree.c
libmessage_la_CPPFLAGS = $(AM_CPPFLAGS)
libmessage_la_CFLAGS = $(AM_CFLAGS) $(LIBXML2_CFLAGS) $(ZLIB_CFLAGS)
libmessage_la_LIBADD = libbase.la $(LIBXML2_LIBS) $(ZLIB_LIBS)
