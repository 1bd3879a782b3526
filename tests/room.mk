# tests: unit/ (CUnit, speaking TAP), system/ (real processes, real peers), fuzz/, bench/
check_LTLIBRARIES += libunit.la
libunit_la_SOURCES = tests/unit/unit.c tests/unit/unit.h
libunit_la_LIBADD = $(CUNIT_LIBS)

check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS) $(SYSTEM_TESTS)
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh

# The system tests are programs in Python that speak TAP. `make check TESTS=tests/system/trip.py` runs
# one of them alone; `make check SYSTEM_TESTS=tests/system/trip.py` runs it beside the unit tests.
# Apart, since ./check runs them beside the others: what those who write adapters are given, and what operators see and
# do.
KIT_TESTS = tests/system/kit.py
OPERATOR_TESTS = \
	tests/system/status.py \
	tests/system/prometheus.py \
	tests/system/access.py \
	tests/system/openapi.py \
	tests/system/operators.py \
	tests/system/page.py \
	tests/system/control.py \
	tests/system/backup.py \
	tests/system/audit.py \
	tests/system/midnight.py \
	tests/system/verify.py \
	tests/system/activation.py \
	tests/system/handbook.py
SYSTEM_TESTS = \
	tests/system/trip.py \
	tests/system/refusals.py \
	tests/system/signatures.py \
	tests/system/shapes.py \
	tests/system/impersonation.py \
	tests/system/hostile_http.py \
	tests/system/dispatch.py \
	tests/system/order.py \
	tests/system/adapters.py \
	tests/system/configuration.py \
	tests/system/revocation.py \
	tests/system/reload.py \
	tests/system/renewal.py \
	tests/system/service.py \
	tests/system/folder.py \
	tests/system/isolation.py \
	tests/system/mailbox.py \
	tests/system/sftp.py \
	tests/system/amqp.py \
	tests/system/mqtt.py \
	tests/system/smtp.py \
	tests/system/install.py \
	$(KIT_TESTS) \
	$(OPERATOR_TESTS) \
	tests/system/tutorial.py \
	tests/system/disk_full.py \
	tests/system/crash.py
TEST_EXTENSIONS = .py
PY_LOG_DRIVER = $(LOG_DRIVER)
PY_LOG_COMPILER = $(PYTHON3)
SYSTEM_ENVIRONMENT = \
	srcdir='$(abs_top_srcdir)' builddir='$(abs_top_builddir)' PYTHONDONTWRITEBYTECODE=1 \
	CC='$(CC)' MUENGSTEND='$(abs_top_builddir)/gateway/muengstend' \
	MUENGSTENCTL='$(abs_top_builddir)/tools/muengstenctl' \
	MUENGSTEN_ADAPTER_HOST='$(abs_top_builddir)/tools/muengsten-adapter-host'
AM_TESTS_ENVIRONMENT = $(SYSTEM_ENVIRONMENT); \
	export srcdir builddir CC PYTHONDONTWRITEBYTECODE MUENGSTEND MUENGSTENCTL MUENGSTEN_ADAPTER_HOST;

# Each is named, though most are among SYSTEM_TESTS: that may be another list for one run.
EXTRA_DIST += \
	tests/abi/1/muengsten/adapter.h tests/fuzz/corpus tests/fuzz/run tests/lib.sh tests/lint \
	tests/packages tests/system/access.py \
	tests/system/activation.py tests/system/adapters.py tests/system/amqp.py tests/system/audit.py tests/system/brokers.py \
	tests/system/browsing.py tests/system/page.py tests/system/page/browser.mjs \
	tests/system/page/package-lock.json tests/system/page/package.json tests/system/programs/bitter \
	tests/system/configuration.py tests/system/conformance.py tests/system/crash.py \
	tests/system/disk_full.py \
	tests/system/dispatch.py tests/system/folder.py tests/system/gate.py tests/system/handbook.py tests/system/harness.py \
	tests/system/hostile_http.py tests/system/impersonation.py tests/system/install.py \
	tests/system/isolation.py tests/system/kit.py tests/system/mailbox.py tests/system/messages.py tests/system/midnight.py \
	tests/system/mqtt.py tests/system/openapi.py tests/system/operators.py tests/system/order.py tests/system/packages.py \
	tests/system/peers/city-system tests/system/prometheus.py \
	tests/system/programs/ill tests/system/refusals.py tests/system/reload.py \
	tests/system/renewal.py tests/system/town.py \
	tests/system/revocation.py tests/system/service.py tests/system/sftp.py tests/system/shapes.py \
	tests/system/signatures.py tests/system/signing.py tests/system/smtp.py tests/system/status.py \
	tests/system/tap.py tests/system/trail.py tests/system/backup.py tests/system/control.py tests/system/trip.py tests/system/verify.py \
	tests/system/watched.py \
	tests/thread.suppressions

# Machines that read the sources and look for faults. LINT=quick leaves out what takes minutes.
LINT =
LINT_FLAGS = -std=gnu11 -I. -Iinclude -I$(abs_builddir) -D_GNU_SOURCE \
	$(LIBEVENT_CFLAGS) $(LIBXML2_CFLAGS) $(XMLSEC_CFLAGS) $(OPENSSL_CFLAGS) $(SQLITE_CFLAGS) \
	$(ZLIB_CFLAGS) $(LIBSSH2_CFLAGS) $(LIBCURL_CFLAGS) $(JANSSON_CFLAGS) \
	-DSYSCONFDIR="" -DMG_DATA_FOLDER="" -DMG_ADAPTERS_FOLDER="" -DMG_ADAPTER_HOST=""
lint:
	@srcdir='$(srcdir)' DISTRIBUTED='$(DISTFILES) check' LINT='$(LINT)' \
		COMPILER_FLAGS='$(LINT_FLAGS)' '$(srcdir)/tests/lint'
.PHONY: lint

# For ./check, which runs them in other ways too.
print-unit-tests:
	@echo $(UNIT_TESTS)
print-operator-tests:
	@echo $(OPERATOR_TESTS)
.PHONY: print-unit-tests print-operator-tests

# Longer than a check should take: many crashes, one after the other.
ROUNDS = 200
soak: all
	$(SYSTEM_ENVIRONMENT) ROUNDS=$(ROUNDS) $(PYTHON3) $(srcdir)/tests/system/crash.py
.PHONY: soak

# Runs each fuzzer for so many seconds on its corpus, two at once. What it finds new stays in the
# build tree. Needs ./configure --enable-fuzzers CC=clang.
SECONDS_EACH = 60
fuzz: all
	$(srcdir)/tests/fuzz/run '$(srcdir)' '$(SECONDS_EACH)'
.PHONY: fuzz

clean-local:
	rm -rf tests/system/pki tests/system/pki.lock tests/system/page-modules tests/fuzz/found

include tests/bench/room.mk
