# bench: measures the gateway as a whole; `make bench`.
EXTRA_PROGRAMS = \
	tests/bench/bare tests/bench/boxes tests/bench/deliver tests/bench/drain tests/bench/fill tests/bench/floor \
	tests/bench/load tests/bench/search
EXTRA_DIST += \
	tests/bench/adapters tests/bench/ends.py tests/bench/looks tests/bench/mailbox tests/bench/measure.py tests/bench/run
CLEANFILES += $(EXTRA_PROGRAMS)

BENCH_STOCK = tests/bench/stock.c tests/bench/stock.h

tests_bench_bare_SOURCES = tests/bench/bare.c $(gateway_muengstend_SOURCES)
tests_bench_bare_CPPFLAGS = $(gateway_muengstend_CPPFLAGS)
tests_bench_bare_LDADD = $(gateway_muengstend_LDADD)
tests_bench_bare_LDFLAGS = $(gateway_muengstend_LDFLAGS) \
	-Wl,--wrap=mg_tally_accept,--wrap=mg_tally_repeat \
	-Wl,--wrap=mg_histogram_add,--wrap=mg_window_add,--wrap=mg_rate_add \
	-Wl,--wrap=mg_checks_note,--wrap=mg_checks_write,--wrap=mg_sqlite_done \
	-Wl,--wrap=mg_audit_write_accepted,--wrap=mg_audit_write_ended,--wrap=mg_sqlite_upgrade,--wrap=mg_sqlite_prepare

tests_bench_boxes_SOURCES = tests/bench/boxes.c $(BENCH_STOCK)
tests_bench_boxes_LDADD = libstore.la libbase.la -lpthread

tests_bench_drain_SOURCES = tests/bench/drain.c $(BENCH_STOCK)
tests_bench_drain_LDADD = libstore.la libbase.la $(SQLITE_LIBS) -lpthread

tests_bench_fill_SOURCES = tests/bench/fill.c $(BENCH_STOCK)
tests_bench_fill_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS)
tests_bench_fill_LDADD = libstore.la libmessage.la libbase.la $(LIBXML2_LIBS) $(SQLITE_LIBS) $(ZLIB_LIBS) -lpthread

tests_bench_floor_SOURCES = tests/bench/floor.c
tests_bench_floor_CPPFLAGS = $(AM_CPPFLAGS) $(XMLSEC_CFLAGS) $(LIBXML2_CFLAGS)
tests_bench_floor_LDADD = $(XMLSEC_LIBS) $(LIBXML2_LIBS)

tests_bench_search_SOURCES = tests/bench/search.c $(BENCH_STOCK)
tests_bench_search_LDADD = libstore.la libbase.la $(SQLITE_LIBS) -lpthread

tests_bench_load_SOURCES = tests/bench/load.c
tests_bench_load_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)
tests_bench_load_LDADD = \
	libnet.la libtrust.la libmessage.la libbase.la \
	$(LIBEVENT_LIBS) $(XMLSEC_LIBS) $(LIBXML2_LIBS) $(OPENSSL_LIBS) $(ZLIB_LIBS)

tests_bench_deliver_SOURCES = tests/bench/deliver.c
tests_bench_deliver_CPPFLAGS = $(AM_CPPFLAGS) $(LIBXML2_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)
tests_bench_deliver_LDADD = \
	libdispatch.la libintake.la libconfig.la libnet.la libstore.la libroute.la libtrust.la \
	libmessage.la libbase.la \
	$(LIBEVENT_LIBS) $(XMLSEC_LIBS) $(LIBXML2_LIBS) $(OPENSSL_LIBS) $(SQLITE_LIBS) $(ZLIB_LIBS) \
	-ldl -lpthread

bench: all $(EXTRA_PROGRAMS) adapters/null/null.la
	srcdir=$(abs_top_srcdir) builddir=$(abs_top_builddir) $(top_srcdir)/tests/bench/run --waiting 100000 --box 1000000
	srcdir=$(abs_top_srcdir) builddir=$(abs_top_builddir) $(top_srcdir)/tests/bench/run --bare 10
	command -v valgrind >/dev/null || exit 0; srcdir=$(abs_top_srcdir) builddir=$(abs_top_builddir) \
		$(top_srcdir)/tests/bench/run --instructions 400
	srcdir=$(abs_top_srcdir) builddir=$(abs_top_builddir) $(top_srcdir)/tests/bench/looks
	srcdir=$(abs_top_srcdir) builddir=$(abs_top_builddir) $(top_srcdir)/tests/bench/mailbox
	$(SYSTEM_ENVIRONMENT) $(PYTHON3) $(top_srcdir)/tests/bench/adapters
	rm -rf tests/bench/searched && mkdir tests/bench/searched && tests/bench/search tests/bench/searched; \
		status=$$?; rm -rf tests/bench/searched; exit $$status
.PHONY: bench
