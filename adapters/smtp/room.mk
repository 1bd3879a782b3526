# smtp: needs libcurl.
if ADAPTER_LIBCURL
adapter_LTLIBRARIES += adapters/smtp.la
noinst_LTLIBRARIES += libsmtp.la
UNIT_TESTS += tests/unit/adapter_smtp
endif

libsmtp_la_CPPFLAGS = $(AM_CPPFLAGS) $(LIBCURL_CFLAGS) $(OPENSSL_CFLAGS)
libsmtp_la_SOURCES = $(ADAPTER_COMMON) $(ADAPTER_TASKS) \
	adapters/smtp/failure.c adapters/smtp/failure.h \
	adapters/smtp/mail.c adapters/smtp/mail.h \
	adapters/smtp/protect.c adapters/smtp/protect.h \
	adapters/smtp/reply.c adapters/smtp/reply.h \
	adapters/smtp/smtp.c adapters/smtp/smtp.h \
	adapters/smtp/smtp_out.c \
	adapters/smtp/smtp_send.c
libsmtp_la_LIBADD = $(LIBCURL_LIBS) $(OPENSSL_LIBS)
adapters_smtp_la_SOURCES =
adapters_smtp_la_LIBADD = libsmtp.la
adapters_smtp_la_LDFLAGS = $(AM_LDFLAGS) $(ADAPTER_LDFLAGS)

tests_unit_adapter_smtp_CPPFLAGS = $(libsmtp_la_CPPFLAGS)
tests_unit_adapter_smtp_SOURCES = tests/unit/adapter_smtp.c $(ADAPTER_HOST)
tests_unit_adapter_smtp_LDADD = libunit.la libsmtp.la
