# etc: the sample configuration, and what systemd needs to know. The sample is an example, installed where it overwrites
# nobody's own.
examplesdir = $(docdir)/examples
dist_examples_DATA = etc/muengsten.xml
EXTRA_DIST += etc/muengstend.service.in etc/muengstend.socket.in \
	etc/muengsten-adapter@.service.in etc/muengsten.sysusers etc/muengsten.tmpfiles

# For those who watch: alerts for Prometheus, and a dashboard for Grafana.
alertsdir = $(pkgdatadir)/prometheus
dist_alerts_DATA = etc/prometheus/muengsten.rules.yml
dashboarddir = $(pkgdatadir)/grafana
dist_dashboard_DATA = etc/grafana/muengsten.json

# The gateway, and an adapter, under systemd. Like muengsten-adapter.pc these files are made by make, so that they obey
# a folder that make is told. What stands in the folders for users and folders is called like its package.
SYSTEMD_UNITS = etc/muengstend.service etc/muengstend.socket etc/muengsten-adapter@.service
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
if SYSTEMD
systemdsystemunit_DATA = $(SYSTEMD_UNITS)
sysusers_DATA = etc/sysusers.d/muengsten.conf
tmpfiles_DATA = etc/tmpfiles.d/muengsten.conf
endif
CLEANFILES += $(SYSTEMD_UNITS) etc/sysusers.d/muengsten.conf etc/tmpfiles.d/muengsten.conf

$(SYSTEMD_UNITS): etc/muengstend.service.in etc/muengstend.socket.in \
		etc/muengsten-adapter@.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) etc && $(SED) -e 's|[@]bindir@|$(bindir)|' -e 's|[@]sbindir@|$(sbindir)|' \
		-e 's|[@]sysconfdir@|$(sysconfdir)|' '$(srcdir)/$@.in' >$@
etc/sysusers.d/muengsten.conf: etc/muengsten.sysusers
	$(AM_V_GEN)$(MKDIR_P) etc/sysusers.d && cp '$(srcdir)/etc/muengsten.sysusers' $@
etc/tmpfiles.d/muengsten.conf: etc/muengsten.tmpfiles
	$(AM_V_GEN)$(MKDIR_P) etc/tmpfiles.d && cp '$(srcdir)/etc/muengsten.tmpfiles' $@
