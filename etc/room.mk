# etc: the sample configuration. It is an example, installed where it overwrites nobody's own.
examplesdir = $(docdir)/examples
dist_examples_DATA = etc/muengsten.xml
