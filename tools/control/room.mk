# tools/control: muengstenctl (operators). The convenience library lets the unit tests link what it is made of.
noinst_LTLIBRARIES += libcontrol.la
libcontrol_la_SOURCES = \
	tools/control/acts.c \
	tools/control/audit_command.c \
	tools/control/backup_command.c \
	tools/control/client.c tools/control/client.h \
	tools/control/control.c tools/control/control.h \
	tools/control/find.c tools/control/find.h \
	tools/control/find_commands.c \
	tools/control/look.c tools/control/look.h \
	tools/control/look_commands.c \
	tools/control/pick.c tools/control/pick.h \
	tools/control/say.c tools/control/say.h \
	tools/control/screen.c tools/control/screen.h \
	tools/control/settings.c tools/control/settings.h \
	tools/control/top.c \
	tools/control/verify.c tools/control/verify.h \
	tools/control/verify_command.c \
	tools/control/verify_file.c tools/control/verify_inside.h \
	tools/control/verify_show.c tools/control/verify_show.h \
	tools/control/verify_signer.c \
	tools/control/words.c tools/control/words.h
nodist_libcontrol_la_SOURCES = tools/control/words_german.c
libcontrol_la_CPPFLAGS = $(AM_CPPFLAGS) -DSYSCONFDIR='"$(sysconfdir)"'
libcontrol_la_CFLAGS = $(AM_CFLAGS) $(LIBXML2_CFLAGS) $(OPENSSL_CFLAGS) $(JANSSON_CFLAGS)
libcontrol_la_LIBADD = libaudit.la libstore.la libtrust.la libmessage.la libnet.la libbase.la \
	$(LIBXML2_LIBS) $(OPENSSL_LIBS) $(JANSSON_LIBS) -lm

# The German words come from the page's texts, so that there is one list of them.
tools/control/words_german.c: tools/control/words.awk gateway/operate/page/texts-de.js Makefile
	$(AM_V_GEN)$(MKDIR_P) tools/control && \
	$(AWK) -f $(srcdir)/tools/control/words.awk $(srcdir)/gateway/operate/page/texts-de.js >$@.new && \
	mv $@.new $@
CLEANFILES += tools/control/words_german.c
EXTRA_DIST += tools/control/words.awk

bin_PROGRAMS += tools/muengstenctl
tools_muengstenctl_SOURCES = tools/control/commands.c tools/control/commands.h tools/control/main.c
tools_muengstenctl_CFLAGS = $(libcontrol_la_CFLAGS)
tools_muengstenctl_LDFLAGS = $(AM_LDFLAGS) -pie
tools_muengstenctl_LDADD = libcontrol.la
dist_man_MANS += docs/muengstenctl.1
bashcompletionsdir = $(datadir)/bash-completion/completions
dist_bashcompletions_DATA = completions/muengstenctl

UNIT_TESTS += tests/unit/control
tests_unit_control_SOURCES = tests/unit/control.c tools/control/commands.c
tests_unit_control_CFLAGS = $(libcontrol_la_CFLAGS)
tests_unit_control_LDADD = libunit.la libcontrol.la
