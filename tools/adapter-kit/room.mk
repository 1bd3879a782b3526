# tools/adapter-kit: muengsten-adapter-check and what else helps those who write adapters. Python programs of the
# standard library alone; the tests run them from the source tree, make install tells them where their modules are.
kitdir = $(pkgdatadir)/adapter-kit
kitmodulesdir = $(kitdir)/adapter_kit
dist_kitmodules_DATA = \
	tools/adapter-kit/adapter_kit/__init__.py \
	tools/adapter-kit/adapter_kit/bring.py \
	tools/adapter-kit/adapter_kit/check.py \
	tools/adapter-kit/adapter_kit/checks_in.py \
	tools/adapter-kit/adapter_kit/checks_long.py \
	tools/adapter-kit/adapter_kit/checks_out.py \
	tools/adapter-kit/adapter_kit/checks_start.py \
	tools/adapter-kit/adapter_kit/disk.py \
	tools/adapter-kit/adapter_kit/frames.py \
	tools/adapter-kit/adapter_kit/gateway.py \
	tools/adapter-kit/adapter_kit/message.py \
	tools/adapter-kit/adapter_kit/new.py \
	tools/adapter-kit/adapter_kit/report.py \
	tools/adapter-kit/adapter_kit/suite.py

# What muengsten-adapter-new fills in, with the folders.
templatesdir = $(kitdir)/templates
dist_templates_DATA = tools/adapter-kit/templates/readme.md.in
templatesofcdir = $(templatesdir)/c
dist_templatesofc_DATA = tools/adapter-kit/templates/c/adapter.c.in tools/adapter-kit/templates/c/makefile.in
templatesofjavadir = $(templatesdir)/java
dist_templatesofjava_DATA = tools/adapter-kit/templates/java/Adapter.java.in tools/adapter-kit/templates/java/makefile.in
templatesofpythondir = $(templatesdir)/python
dist_templatesofpython_DATA = \
	tools/adapter-kit/templates/python/adapter.py.in tools/adapter-kit/templates/python/makefile.in

bin_SCRIPTS = tools/muengsten-adapter-check tools/muengsten-adapter-new
COMMANDS_OF_KIT = tools/adapter-kit/muengsten-adapter-check tools/adapter-kit/muengsten-adapter-new
EXTRA_DIST += $(COMMANDS_OF_KIT) tests/system/peers/faulty-adapter tests/system/tutorial.py
CLEANFILES += $(bin_SCRIPTS)

# Made by make and not by configure, so that they too obey a folder that make is told.
TELL_WHERE_THE_KIT_IS = $(AM_V_GEN)$(MKDIR_P) tools && \
	$(SED) -e 's|^KIT = .*|KIT = "$(kitdir)"|' '$(srcdir)/tools/adapter-kit/$(@F)' >$@ && chmod +x $@
tools/muengsten-adapter-check: tools/adapter-kit/muengsten-adapter-check Makefile
	$(TELL_WHERE_THE_KIT_IS)
tools/muengsten-adapter-new: tools/adapter-kit/muengsten-adapter-new Makefile
	$(TELL_WHERE_THE_KIT_IS)

dist_man_MANS += docs/muengsten-adapter-check.1 docs/muengsten-adapter-new.1
