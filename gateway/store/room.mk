# store: the durable queue: one interface, SQLite first. Never sees XML.
noinst_LTLIBRARIES += libstore.la
libstore_la_SOURCES = \
	gateway/store/act.c gateway/store/act.h \
	gateway/store/backend.h \
	gateway/store/backup.h \
	gateway/store/chain.c \
	gateway/store/erase.h \
	gateway/store/journal.h \
	gateway/store/memory.c gateway/store/memory.h \
	gateway/store/memory_act.c \
	gateway/store/memory_box.c \
	gateway/store/memory_journal.c \
	gateway/store/null.c \
	gateway/store/queues.c gateway/store/queues.h \
	gateway/store/search.c gateway/store/search.h \
	gateway/store/spool.c \
	gateway/store/sqlite.c gateway/store/sqlite.h \
	gateway/store/sqlite_act.c \
	gateway/store/sqlite_backup.c \
	gateway/store/sqlite_box.c \
	gateway/store/sqlite_call.c \
	gateway/store/sqlite_claim.c \
	gateway/store/sqlite_count.c \
	gateway/store/sqlite_erase.c \
	gateway/store/sqlite_expire.c \
	gateway/store/sqlite_journal.c \
	gateway/store/sqlite_read.c \
	gateway/store/sqlite_restore.c \
	gateway/store/sqlite_schema.c \
	gateway/store/sqlite_search.c \
	gateway/store/sqlite_statement.c \
	gateway/store/sqlite_writer.c \
	gateway/store/store.c gateway/store/store.h
libstore_la_CPPFLAGS = $(AM_CPPFLAGS)
libstore_la_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS) $(OPENSSL_CFLAGS)
libstore_la_LIBADD = libbase.la $(SQLITE_LIBS) $(OPENSSL_LIBS) -lpthread

STORE_TEST_HELPERS = tests/unit/store_fixture.c tests/unit/store_fixture.h

UNIT_TESTS += tests/unit/store
tests_unit_store_SOURCES = tests/unit/store.c $(STORE_TEST_HELPERS)
tests_unit_store_LDADD = libunit.la libstore.la libbase.la -lpthread

UNIT_TESTS += tests/unit/store_boxes
tests_unit_store_boxes_SOURCES = tests/unit/store_boxes.c $(STORE_TEST_HELPERS)
tests_unit_store_boxes_LDADD = libunit.la libstore.la libbase.la -lpthread

UNIT_TESTS += tests/unit/store_journal
tests_unit_store_journal_SOURCES = tests/unit/store_journal.c $(STORE_TEST_HELPERS)
tests_unit_store_journal_LDADD = libunit.la libstore.la libbase.la $(SQLITE_LIBS) -lpthread

UNIT_TESTS += tests/unit/store_erase
tests_unit_store_erase_SOURCES = tests/unit/store_erase.c $(STORE_TEST_HELPERS)
tests_unit_store_erase_LDADD = libunit.la libstore.la libbase.la -lpthread

UNIT_TESTS += tests/unit/store_retention
tests_unit_store_retention_SOURCES = tests/unit/store_retention.c $(STORE_TEST_HELPERS)
tests_unit_store_retention_LDADD = libunit.la libstore.la libbase.la -lpthread

UNIT_TESTS += tests/unit/store_queues
tests_unit_store_queues_SOURCES = tests/unit/store_queues.c $(STORE_TEST_HELPERS)
tests_unit_store_queues_LDADD = libunit.la libstore.la libbase.la -lpthread

UNIT_TESTS += tests/unit/store_upgrade
tests_unit_store_upgrade_SOURCES = tests/unit/store_upgrade.c tests/unit/lossy_vfs.c \
	tests/unit/lossy_vfs.h $(STORE_TEST_HELPERS)
tests_unit_store_upgrade_LDADD = libunit.la libstore.la libbase.la $(SQLITE_LIBS) -lpthread

UNIT_TESTS += tests/unit/store_power
tests_unit_store_power_SOURCES = tests/unit/store_power.c tests/unit/lossy_vfs.c \
	tests/unit/lossy_vfs.h $(STORE_TEST_HELPERS)
tests_unit_store_power_LDADD = libunit.la libstore.la libbase.la $(SQLITE_LIBS) -lpthread

UNIT_TESTS += tests/unit/store_sqlite
tests_unit_store_sqlite_SOURCES = tests/unit/store_sqlite.c tests/unit/lossy_vfs.c \
	tests/unit/lossy_vfs.h $(STORE_TEST_HELPERS)
tests_unit_store_sqlite_LDADD = libunit.la libstore.la libbase.la $(SQLITE_LIBS) -lpthread

UNIT_TESTS += tests/unit/store_acts
tests_unit_store_acts_SOURCES = tests/unit/store_acts.c tests/unit/lossy_vfs.c \
	tests/unit/lossy_vfs.h $(STORE_TEST_HELPERS)
tests_unit_store_acts_LDADD = libunit.la libstore.la libbase.la $(SQLITE_LIBS) -lpthread

UNIT_TESTS += tests/unit/store_search
tests_unit_store_search_SOURCES = tests/unit/store_search.c $(STORE_TEST_HELPERS)
tests_unit_store_search_LDADD = libunit.la libstore.la libbase.la -lpthread

UNIT_TESTS += tests/unit/store_backup
tests_unit_store_backup_SOURCES = tests/unit/store_backup.c $(STORE_TEST_HELPERS)
tests_unit_store_backup_LDADD = libunit.la libstore.la libbase.la $(SQLITE_LIBS) -lpthread
