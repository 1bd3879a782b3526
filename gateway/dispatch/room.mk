# dispatch: schedules deliveries, hosts the adapters, retries, gives up.
noinst_LTLIBRARIES += libdispatch.la
libdispatch_la_SOURCES = \
	gateway/dispatch/box.c gateway/dispatch/box.h \
	gateway/dispatch/box_take.c \
	gateway/dispatch/breaker.c gateway/dispatch/breaker.h \
	gateway/dispatch/catalogue.c gateway/dispatch/catalogue.h \
	gateway/dispatch/clients.c gateway/dispatch/clients.h \
	gateway/dispatch/counters.c \
	gateway/dispatch/delivery.c gateway/dispatch/delivery.h \
	gateway/dispatch/dispatch.c gateway/dispatch/dispatch.h \
	gateway/dispatch/end.c gateway/dispatch/end.h \
	gateway/dispatch/facts.c \
	gateway/dispatch/give_up.c \
	gateway/dispatch/host.c gateway/dispatch/host.h \
	gateway/dispatch/http_in.c \
	gateway/dispatch/http_out.c \
	gateway/dispatch/instance.c gateway/dispatch/instance.h \
	gateway/dispatch/lane.c gateway/dispatch/lane.h \
	gateway/dispatch/outcome.c \
	gateway/dispatch/parameters.c gateway/dispatch/parameters.h \
	gateway/dispatch/reply.c \
	gateway/dispatch/retry.c gateway/dispatch/retry.h \
	gateway/dispatch/services.c \
	gateway/dispatch/submission.c
libdispatch_la_LIBADD = libisolation.la libaudit.la
libdispatch_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)

UNIT_TESTS += tests/unit/dispatch
tests_unit_dispatch_SOURCES = tests/unit/dispatch.c
tests_unit_dispatch_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS)
tests_unit_dispatch_LDADD = libunit.la libdispatch.la libbase.la $(LIBXML2_LIBS)

# An adapter that the host loads in the tests, as it loads any other; -rpath has libtool build it
# shared.
check_LTLIBRARIES += tests/unit/adapter_tempers.la
tests_unit_adapter_tempers_la_SOURCES = tests/unit/adapter_tempers.c
tests_unit_adapter_tempers_la_LDFLAGS = \
	$(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere \
	-export-symbols-regex '^(mg_adapter_entry|tempers_[a-z]*)$$'

# The same adapter, compiled against the first version of the interface: it has to go on working.
check_LTLIBRARIES += tests/unit/adapter_older.la
tests_unit_adapter_older_la_SOURCES = tests/unit/adapter_tempers.c
tests_unit_adapter_older_la_CPPFLAGS = -I$(top_srcdir)/tests/abi/1 -D_GNU_SOURCE \
	-DADAPTER_NAME='"adapter_older"'
tests_unit_adapter_older_la_LDFLAGS = $(tests_unit_adapter_tempers_la_LDFLAGS)

UNIT_TESTS += tests/unit/dispatch_lanes
DISPATCH_WORLD = tests/unit/dispatch_world.c tests/unit/dispatch_world.h
DISPATCH_OFFICE = tests/unit/dispatch_office.c tests/unit/dispatch_office.h $(DISPATCH_WORLD)
tests_unit_dispatch_lanes_SOURCES = tests/unit/dispatch_lanes.c $(DISPATCH_OFFICE)
tests_unit_dispatch_lanes_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS) $(LIBEVENT_CFLAGS) \
	$(OPENSSL_CFLAGS) \
	-DMG_ADAPTERS_OF_TESTS='"$(abs_top_builddir)/tests/unit/.libs"' \
	-DMG_HOST_OF_TESTS='"$(abs_top_builddir)/tools/muengsten-adapter-host"'
tests_unit_dispatch_lanes_DEPENDENCIES = \
	$(DISPATCH_LANES_ROOMS) tools/muengsten-adapter-host tests/unit/adapter_tempers.la \
	tests/unit/adapter_older.la
DISPATCH_LANES_ROOMS = \
	libunit.la libdispatch.la libintake.la libconfig.la libnet.la libstore.la libroute.la libtrust.la \
	libmessage.la libbase.la
tests_unit_dispatch_lanes_LDADD = $(DISPATCH_LANES_ROOMS) \
	$(LIBEVENT_LIBS) $(XMLSEC_LIBS) $(LIBXML2_LIBS) $(OPENSSL_LIBS) $(SQLITE_LIBS) $(ZLIB_LIBS) \
	-ldl -lpthread

UNIT_TESTS += tests/unit/dispatch_acts
tests_unit_dispatch_acts_SOURCES = tests/unit/dispatch_acts.c $(DISPATCH_OFFICE)
tests_unit_dispatch_acts_CPPFLAGS = $(tests_unit_dispatch_lanes_CPPFLAGS)
tests_unit_dispatch_acts_DEPENDENCIES = $(DISPATCH_LANES_ROOMS) tests/unit/adapter_tempers.la
tests_unit_dispatch_acts_LDADD = $(tests_unit_dispatch_lanes_LDADD)

# The same for boxes: an adapter that lets the test ask in its name.
check_LTLIBRARIES += tests/unit/adapter_boxes.la
tests_unit_adapter_boxes_la_SOURCES = tests/unit/adapter_boxes.c
tests_unit_adapter_boxes_la_LDFLAGS = \
	$(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere \
	-export-symbols-regex '^(mg_adapter_entry|boxes_[a-z]*)$$'

UNIT_TESTS += tests/unit/dispatch_boxes
tests_unit_dispatch_boxes_SOURCES = tests/unit/dispatch_boxes.c $(DISPATCH_WORLD)
tests_unit_dispatch_boxes_CPPFLAGS = $(tests_unit_dispatch_lanes_CPPFLAGS)
tests_unit_dispatch_boxes_DEPENDENCIES = $(DISPATCH_LANES_ROOMS) tests/unit/adapter_boxes.la
tests_unit_dispatch_boxes_LDADD = $(tests_unit_dispatch_lanes_LDADD)
