# route: who may send what to whom, and where it goes. Pure.
noinst_LTLIBRARIES += libroute.la
libroute_la_SOURCES = gateway/route/route.c gateway/route/route.h
