# etc: the sample configuration and the units of systemd. The sample is an example, installed where it overwrites nobody's own.
examplesdir = $(docdir)/examples
dist_examples_DATA = etc/muengsten.xml

# An adapter under systemd. Like muengsten-adapter.pc it is made by make, so that it obeys a folder that make is told.
systemdunitdir = $(prefix)/lib/systemd/system
systemdunit_DATA = etc/muengsten-adapter@.service
etc/muengsten-adapter@.service: etc/muengsten-adapter@.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) etc && $(SED) -e 's|[@]bindir@|$(bindir)|' -e 's|[@]sysconfdir@|$(sysconfdir)|' \
		'$(srcdir)/etc/muengsten-adapter@.service.in' >$@
CLEANFILES += etc/muengsten-adapter@.service
EXTRA_DIST += etc/muengsten-adapter@.service.in
