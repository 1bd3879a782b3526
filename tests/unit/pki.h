/*
 * pki: authorities, certificates and revocation lists for unit tests, made in memory.
 *
 * Whatever fails here ends the program: a test cannot go on without it.
 */
#ifndef MUENGSTEN_TESTS_PKI_H
#define MUENGSTEN_TESTS_PKI_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <time.h>

/* A key with its certificate. */
struct pki_party {
    EVP_PKEY *key;
    X509 *certificate;
};

/* What the certificate shall be; what is left out is as a proper one has it. */
struct pki_plan {
    const char *name;               /* the common name */
    const struct pki_party *issuer; /* NULL: signs itself */
    EVP_PKEY *key;                  /* taken over; NULL: a new one on P-256 */
    const EVP_MD *digest;           /* of the issuer's signature; NULL: SHA-256 */
    int authority;                  /* may issue certificates and lists */
    time_t not_before, not_after;   /* seconds from now; 0: yesterday, tomorrow */
    const char *usage;              /* keyUsage; NULL: digitalSignature, or that of an authority */
    const char *extended_usage;     /* extendedKeyUsage; NULL: none */
};

/* An RSA key, made by the openssl command: searching primes under valgrind takes half a minute, and
 * valgrind does not look into other programs. */
EVP_PKEY *pki_rsa(int bits);

struct pki_party pki_make(const struct pki_plan *plan);
void pki_free(struct pki_party *party);

/* The issuer's list, which counts from `since` to `until` in seconds from now. */
X509_CRL *pki_list(const struct pki_party *issuer, X509 *const *revoked, size_t count, time_t since,
                   time_t until);

/* Writes files in PEM form: certificates, or lists, which are freed. The last argument is NULL. */
void pki_write_certificates(const char *path, ...) __attribute__((sentinel));
void pki_write_lists(const char *path, ...) __attribute__((sentinel));

#endif
