# message: hardened parsing, profiles, header, attachments. Pure: no I/O, no events.
noinst_LTLIBRARIES += libmessage.la
libmessage_la_SOURCES = \
	gateway/message/header.h \
	gateway/message/header_record.c gateway/message/header_record.h \
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
	gateway/message/xml_tree.c \
	gateway/message/xml_words.c gateway/message/xml_words.h
libmessage_la_CPPFLAGS = $(AM_CPPFLAGS)
libmessage_la_CFLAGS = $(AM_CFLAGS) $(LIBXML2_CFLAGS) $(ZLIB_CFLAGS)
libmessage_la_LIBADD = libbase.la $(LIBXML2_LIBS) $(ZLIB_LIBS)

UNIT_TESTS += tests/unit/xml tests/unit/xml_words tests/unit/multipart tests/unit/inflate
tests_unit_xml_SOURCES = tests/unit/xml.c
tests_unit_xml_CFLAGS = $(AM_CFLAGS) $(LIBXML2_CFLAGS)
tests_unit_xml_LDADD = libunit.la libmessage.la libbase.la $(LIBXML2_LIBS)
tests_unit_xml_words_SOURCES = tests/unit/xml_words.c
tests_unit_xml_words_CFLAGS = $(AM_CFLAGS) $(LIBXML2_CFLAGS)
tests_unit_xml_words_LDADD = libunit.la libmessage.la libbase.la $(LIBXML2_LIBS)
tests_unit_multipart_SOURCES = tests/unit/multipart.c
tests_unit_multipart_LDADD = libunit.la libmessage.la libbase.la
tests_unit_inflate_SOURCES = tests/unit/inflate.c
tests_unit_inflate_CFLAGS = $(AM_CFLAGS) $(ZLIB_CFLAGS)
tests_unit_inflate_LDADD = libunit.la libmessage.la libbase.la $(ZLIB_LIBS)

UNIT_TESTS += tests/unit/profile tests/unit/message_samples
tests_unit_profile_SOURCES = tests/unit/profile.c \
	tests/unit/message_files.c tests/unit/message_files.h
tests_unit_profile_CFLAGS = $(AM_CFLAGS) $(LIBXML2_CFLAGS)
tests_unit_profile_LDADD = libunit.la libmessage.la libbase.la $(LIBXML2_LIBS) -lpthread
tests_unit_message_samples_SOURCES = tests/unit/message_samples.c \
	tests/unit/message_files.c tests/unit/message_files.h
tests_unit_message_samples_CFLAGS = $(AM_CFLAGS) $(LIBXML2_CFLAGS)
tests_unit_message_samples_LDADD = libunit.la libmessage.la libbase.la $(LIBXML2_LIBS)

if FUZZERS
noinst_PROGRAMS += tests/fuzz/xml tests/fuzz/multipart
tests_fuzz_xml_SOURCES = tests/fuzz/xml.c
tests_fuzz_xml_CFLAGS = $(AM_CFLAGS) $(LIBXML2_CFLAGS)
tests_fuzz_xml_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_xml_LDADD = libmessage.la libbase.la $(LIBXML2_LIBS)
tests_fuzz_multipart_SOURCES = tests/fuzz/multipart.c
tests_fuzz_multipart_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_multipart_LDADD = libmessage.la libbase.la
endif
