# sftp: needs libssh2.
if ADAPTER_LIBSSH2
adapter_LTLIBRARIES += adapters/sftp.la
noinst_LTLIBRARIES += libsftp.la
UNIT_TESTS += tests/unit/adapter_sftp
endif

libsftp_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBSSH2_CFLAGS) $(OPENSSL_CFLAGS) $(SFTP_CPPFLAGS)
libsftp_la_SOURCES = $(ADAPTER_COMMON) $(ADAPTER_NAME) $(ADAPTER_TASKS) \
	adapters/sftp/failure.c adapters/sftp/failure.h \
	adapters/sftp/known_hosts.c adapters/sftp/known_hosts.h \
	adapters/sftp/remote.c adapters/sftp/remote.h \
	adapters/sftp/session.c adapters/sftp/session.h \
	adapters/sftp/sftp.c adapters/sftp/sftp.h \
	adapters/sftp/sftp_file.c \
	adapters/sftp/sftp_in.c adapters/sftp/sftp_in.h \
	adapters/sftp/sftp_look.c \
	adapters/sftp/sftp_out.c
libsftp_la_LIBADD = $(LIBSSH2_LIBS) $(OPENSSL_LIBS)
adapters_sftp_la_SOURCES =
adapters_sftp_la_LIBADD = libsftp.la
adapters_sftp_la_LDFLAGS = $(AM_LDFLAGS) $(ADAPTER_LDFLAGS)

tests_unit_adapter_sftp_CPPFLAGS = $(libsftp_la_CPPFLAGS)
tests_unit_adapter_sftp_SOURCES = tests/unit/adapter_sftp.c $(ADAPTER_HOST)
tests_unit_adapter_sftp_LDADD = libunit.la libsftp.la
