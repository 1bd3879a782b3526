/*
 * authorities: reads trusted authorities and revocation lists from PEM files or folders of them.
 */
#ifndef MUENGSTEN_TRUST_AUTHORITIES_H
#define MUENGSTEN_TRUST_AUTHORITIES_H

#include "gateway/base/error.h"

#include <openssl/x509.h>
#include <stdint.h>

/* Reads a file, or every *.pem and *.crt of a folder. The caller frees the stack with its
 * certificates (sk_X509_pop_free). certificate.unreadable; certificate.none without a self-signed
 * root among them. */
STACK_OF(X509) * mg_authorities_read(const char *path, struct mg_error *error);

/* Reads a file, or every *.pem and *.crl of a folder: at least one list, each with the signature of
 * its issuer if that is one of the authorities. The caller frees the stack with its lists
 * (sk_X509_CRL_pop_free). certificate.list-unreadable. */
STACK_OF(X509_CRL) *
    mg_lists_read(const char *path, STACK_OF(X509) * authorities, struct mg_error *error);

/* What tells one state of the files from another: a digest of name, inode, size and times of each.
 */
struct mg_stamp {
    uint8_t bytes[32];
};

/* Looks at the files that mg_lists_read would read. certificate.list-unreadable. */
bool mg_lists_stamp(const char *path, struct mg_stamp *stamp, struct mg_error *error);

#endif
