/*
 * net_pki: certificates for the tests of net, made with OpenSSL's API. Whatever fails aborts the
 * test.
 */
#ifndef MUENGSTEN_TESTS_UNIT_NET_PKI_H
#define MUENGSTEN_TESTS_UNIT_NET_PKI_H

#include <openssl/x509.h>

struct pki_authority {
    EVP_PKEY *key;
    X509 *certificate;
};

void pki_authority(struct pki_authority *authority, const char *name);
void pki_authority_free(struct pki_authority *authority);
/* Writes FOLDER/NAME.pem and FOLDER/NAME.key. until: seconds from now. */
void pki_leaf(const struct pki_authority *authority, const char *folder, const char *name,
              const char *alternative, long serial, long until);
/* Trusts the authority, with a list that revokes the serial number (0: none). */
X509_STORE *pki_store(const struct pki_authority *authority, long revoked);

#endif
