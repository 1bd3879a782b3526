# isolation: adapters that are processes: their frames, their lives, and the gateway's end of both.
noinst_LTLIBRARIES += libframes.la libisolation.la
# What both hosts of adapters are made of: the gateway, and muengsten-adapter-host.
libframes_la_SOURCES = \
	gateway/isolation/channel.c gateway/isolation/channel.h \
	gateway/isolation/frames.c gateway/isolation/frames.h \
	gateway/isolation/numbers.c gateway/isolation/numbers.h \
	gateway/isolation/services.c gateway/isolation/services.h
libframes_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS)
libframes_la_LIBADD = libbase.la $(LIBEVENT_LIBS) $(JANSSON_LIBS)

libisolation_la_SOURCES = \
	gateway/isolation/children.c gateway/isolation/children.h \
	gateway/isolation/describe.c \
	gateway/isolation/door.c gateway/isolation/door.h \
	gateway/isolation/hello.c gateway/isolation/hello.h \
	gateway/isolation/process.c gateway/isolation/process.h \
	gateway/isolation/remote.c gateway/isolation/remote.h \
	gateway/isolation/remote_box.c \
	gateway/isolation/remote_call.c \
	gateway/isolation/remote_deliver.c \
	gateway/isolation/remote_http.c \
	gateway/isolation/remote_inside.h \
	gateway/isolation/remote_services.c \
	gateway/isolation/remote_submit.c
libisolation_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS) \
	-DMG_ADAPTER_HOST='"$(bindir)/muengsten-adapter-host"'
libisolation_la_LIBADD = libframes.la libbase.la $(LIBEVENT_LIBS) $(JANSSON_LIBS)

UNIT_TESTS += tests/unit/remote
tests_unit_remote_SOURCES = tests/unit/remote.c tests/unit/remote_world.c tests/unit/remote_world.h
tests_unit_remote_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS) \
	-DMG_ADAPTERS_OF_TESTS='"$(abs_top_builddir)/tests/unit/.libs"' \
	-DMG_HOST_OF_TESTS='"$(abs_top_builddir)/tools/muengsten-adapter-host"'
tests_unit_remote_DEPENDENCIES = libunit.la libisolation.la tests/unit/adapter_tempers.la \
	tools/muengsten-adapter-host
tests_unit_remote_LDADD = libunit.la libisolation.la

UNIT_TESTS += tests/unit/frames
tests_unit_frames_SOURCES = tests/unit/frames.c
tests_unit_frames_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_frames_LDADD = libunit.la libframes.la

if FUZZERS
noinst_PROGRAMS += tests/fuzz/frames
tests_fuzz_frames_SOURCES = tests/fuzz/frames.c
tests_fuzz_frames_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_frames_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_frames_LDADD = libisolation.la
endif
