# adapters: one folder for each protocol. They are shared objects on muengsten/adapter.h alone, ours
# no different from a third party's. The convenience libraries let the unit tests link what the
# shared objects are made of.
adapterdir = $(pkglibdir)/adapters
adapter_LTLIBRARIES = adapters/rest.la adapters/folder.la adapters/mailbox.la
ADAPTER_LDFLAGS = -module -avoid-version -shared -export-symbols-regex '^mg_adapter_entry$$'

# Whoever looks into the folder finds adapters there and nothing else: what libtool notes beside
# them serves only to link against them, which nobody does.
install-data-hook:
	rm -f $(adapter_LTLIBRARIES:adapters/%=$(DESTDIR)$(adapterdir)/%)
uninstall-hook:
	rm -f $(adapter_LTLIBRARIES:adapters/%.la=$(DESTDIR)$(adapterdir)/%.so)

noinst_LTLIBRARIES += librest.la libfolder.la libmailbox.la
ADAPTER_COMMON = \
	adapters/common/problem.c adapters/common/problem.h \
	adapters/common/text.c adapters/common/text.h
# The body of a message for protocols that carry one body with a Content-Type.
ADAPTER_BODY = adapters/common/body.c adapters/common/body.h

# The names of files that bring messages.
ADAPTER_NAME = adapters/common/name.c adapters/common/name.h

# How requests from outside are refused, for those that serve HTTP.
ADAPTER_ANSWER = \
	adapters/common/accept.c adapters/common/accept.h \
	adapters/common/answer.c adapters/common/answer.h

librest_la_SOURCES = $(ADAPTER_COMMON) $(ADAPTER_BODY) $(ADAPTER_ANSWER) \
	adapters/rest/rest.c adapters/rest/rest.h \
	adapters/rest/rest_in.c \
	adapters/rest/rest_out.c \
	adapters/rest/status.c adapters/rest/status.h
adapters_rest_la_SOURCES =
adapters_rest_la_LIBADD = librest.la
adapters_rest_la_LDFLAGS = $(AM_LDFLAGS) $(ADAPTER_LDFLAGS)

libfolder_la_SOURCES = $(ADAPTER_COMMON) $(ADAPTER_NAME) \
	adapters/folder/folder.c adapters/folder/folder.h \
	adapters/folder/folder_file.c \
	adapters/folder/folder_in.c adapters/folder/folder_in.h \
	adapters/folder/folder_out.c \
	adapters/folder/folder_scan.c \
	adapters/folder/place.c adapters/folder/place.h
adapters_folder_la_SOURCES =
adapters_folder_la_LIBADD = libfolder.la
adapters_folder_la_LDFLAGS = $(AM_LDFLAGS) $(ADAPTER_LDFLAGS)

libmailbox_la_SOURCES = $(ADAPTER_COMMON) $(ADAPTER_BODY) $(ADAPTER_ANSWER) \
	adapters/common/moment.c adapters/common/moment.h \
	adapters/mailbox/listing.c adapters/mailbox/listing.h \
	adapters/mailbox/mailbox.c adapters/mailbox/mailbox.h \
	adapters/mailbox/query.c adapters/mailbox/query.h \
	adapters/mailbox/requests.c
adapters_mailbox_la_SOURCES =
adapters_mailbox_la_LIBADD = libmailbox.la
adapters_mailbox_la_LDFLAGS = $(AM_LDFLAGS) $(ADAPTER_LDFLAGS)

UNIT_TESTS += tests/unit/adapter_rest tests/unit/adapter_folder tests/unit/adapter_mailbox
ADAPTER_HOST = \
	tests/unit/adapter_host_box.c \
	tests/unit/adapter_host_double.c tests/unit/adapter_host_double.h
tests_unit_adapter_rest_SOURCES = tests/unit/adapter_rest.c $(ADAPTER_HOST)
tests_unit_adapter_rest_LDADD = libunit.la librest.la
tests_unit_adapter_folder_SOURCES = tests/unit/adapter_folder.c $(ADAPTER_HOST)
tests_unit_adapter_folder_LDADD = libunit.la libfolder.la
tests_unit_adapter_mailbox_SOURCES = tests/unit/adapter_mailbox.c $(ADAPTER_HOST)
tests_unit_adapter_mailbox_LDADD = libunit.la libmailbox.la

# What adapters share that do their work on another thread.
ADAPTER_TASKS = \
	adapters/common/file.c adapters/common/file.h \
	adapters/common/outage.c adapters/common/outage.h \
	adapters/common/task.c adapters/common/task.h

# Adapters that are left out without a library of their own; ./configure says so.
include adapters/sftp/room.mk
include adapters/brokers.mk
include adapters/smtp/room.mk

# Takes everything and does nothing: for tests and the bench, in a folder of its own, since it is
# not installed.
check_LTLIBRARIES += adapters/null/null.la
adapters_null_null_la_SOURCES = adapters/null/null.c
adapters_null_null_la_LDFLAGS = $(AM_LDFLAGS) $(ADAPTER_LDFLAGS) -rpath /nowhere
