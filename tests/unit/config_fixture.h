/*
 * config_fixture: a folder with certificates, keys, a schema and a small configuration that is
 * right, so that a test can make one thing wrong.
 */
#ifndef MUENGSTEN_TESTS_CONFIG_FIXTURE_H
#define MUENGSTEN_TESTS_CONFIG_FIXTURE_H

#include "gateway/config/config.h"

#include <openssl/x509.h>
#include <stddef.h>

/* Makes the folder and what is in it; call once before the tests. Needs mg_trust_start. */
void fixture_start(void);
/* Removes it. */
void fixture_stop(void);

/* The path of a file of the folder; valid until the call after the next seven. */
const char *fixture_path(const char *name);
/* Writes a file of the folder. */
void fixture_write(const char *name, const char *text);
/* Makes a folder in the folder. */
void fixture_folder(const char *name);
/* Likewise, with the files that the small configuration names. */
void fixture_folder_like_it(const char *name);
/* Reads a file wherever it is; the caller frees it. */
char *fixture_read(const char *path);

/* Makes NAME.pem and NAME.key: a certificate with that common name, issued by the folder's
 * authority, valid from and to so many days from now. */
void fixture_certificate(const char *name, const char *common_name, int from, int to);
/* Likewise, but issued by another authority that calls itself like the folder's. */
void fixture_namesake(const char *name, const char *common_name);
X509 *fixture_load_certificate(const char *name);

/* The small configuration, which is right; line by line, the first line has the number 1. */
#define FIXTURE_LINES 14
extern const char *const fixture_lines[FIXTURE_LINES];
/* Writes gateway.xml: the small configuration, but with another text in the place of one line (0:
 * none). */
void fixture_configure(int line, const char *text);

#endif
