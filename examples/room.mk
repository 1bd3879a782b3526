# examples: whole adapters to learn from, each in one file. They are installed as they are.
exampledir = $(pkgdatadir)/examples
dist_example_SCRIPTS = examples/jobfile examples/soapdesk
dist_example_DATA = examples/command.c
