/*
 * certificate: which certificates count: trust anchors, validity, revocation, and what was already
 * proven.
 *
 * A struct mg_anchors is one set of trusted authorities with their revocation lists. Checking a
 * chain costs several signatures, so what was proven of a certificate is remembered by its SHA-256
 * until it expires, a list's nextUpdate passes or the lists are exchanged. Anchors are thread-safe;
 * mg_anchors_refresh (exchanging lists) may happen at any time.
 */
#ifndef MUENGSTEN_TRUST_CERTIFICATE_H
#define MUENGSTEN_TRUST_CERTIFICATE_H

#include "gateway/base/error.h"

#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

/* What happens when a revocation list is past its nextUpdate. */
enum mg_stale_list {
    MG_STALE_REFUSE, /* certificates of its issuer are refused: certificate.list-stale */
    MG_STALE_ACCEPT, /* the old list goes on to count, with a warning in the log once an hour */
};

struct mg_fingerprint {
    uint8_t bytes[32]; /* SHA-256 of the DER form */
};

struct mg_anchors;

/* Reads a PEM file (or every *.pem and *.crt of a folder) of authorities: roots are trusted,
 * intermediate ones help to build chains. revocation: a PEM file or folder of lists, or NULL for
 * none; with lists, every certificate of a chain whose issuer has a list is looked up. Codes:
 * certificate.unreadable, certificate.none, certificate.list-unreadable. Freed with
 * mg_anchors_free. */
struct mg_anchors *mg_anchors_new(const char *authorities, const char *revocation,
                                  enum mg_stale_list stale, struct mg_error *error);
void mg_anchors_free(struct mg_anchors *anchors);

/* Anchors that trust exactly this certificate, whoever issued it and until when: for whoever asks
 * whether something is signed with it, apart from whether it counts. The caller keeps its own
 * reference. */
struct mg_anchors *mg_anchors_pinned(X509 *certificate);

/* From now on certificates are judged as of that moment (milliseconds since 1970) and not as of
 * now: for what was signed long ago. Not for anchors with revocation lists, which speak of today.
 * Before other threads use the anchors. */
void mg_anchors_set_moment(struct mg_anchors *anchors, int64_t moment);

/* Reads the revocation lists again if their files changed, and forgets what was proven with the old
 * ones. *changed says whether. On error the old lists stay in force. Blocks on the disk: not on the
 * loop. */
bool mg_anchors_refresh(struct mg_anchors *anchors, bool *changed, struct mg_error *error);

/* A store for OpenSSL's TLS with the same authorities and lists; the caller gets a reference of its
 * own. It is exchanged, not changed, by mg_anchors_refresh, so ask again afterwards. What is
 * thought of lists is the store's verify callback: SSL_CTX_set_verify has to be called without one,
 * or it takes its place. */
X509_STORE *mg_anchors_store(struct mg_anchors *anchors);

/* A number that changes whenever lists were exchanged, so that whoever keeps a connection open can
 * tell that its certificate has to be checked again. Cheap. */
uint64_t mg_anchors_generation(struct mg_anchors *anchors);

/* All authorities; the anchors' own. */
const STACK_OF(X509) * mg_anchors_authorities(const struct mg_anchors *anchors);

/* What operators see of a revocation list. */
struct mg_list_facts {
    char issuer[256];    /* RFC 4514, cut to size */
    int64_t last_update; /* milliseconds since 1970 */
    int64_t next_update; /* 0: the list does not say */
};
/* Copies what is known of the lists that are in force; returns how many there are, of which at most
 * limit are copied. Without the disk. */
size_t mg_anchors_lists(struct mg_anchors *anchors, struct mg_list_facts *facts, size_t limit);
bool mg_anchors_accepts_stale_lists(const struct mg_anchors *anchors);

enum mg_certificate_use { MG_USE_SIGNATURE, MG_USE_TLS_CLIENT, MG_USE_TLS_SERVER };

/* True if the certificate chains to a trusted root through the known and the given (may be NULL)
 * intermediate ones, is valid at this moment, not revoked, and made for that use (keyUsage
 * digitalSignature or nonRepudiation for signatures). Codes: certificate.untrusted,
 * certificate.expired, certificate.not-yet-valid, certificate.revoked, certificate.list-stale,
 * certificate.usage. */
bool mg_anchors_check(struct mg_anchors *anchors, X509 *certificate, STACK_OF(X509) * intermediates,
                      enum mg_certificate_use use, struct mg_error *error);

/* Reads the first certificate of a PEM file; freed with X509_free. certificate.unreadable. */
X509 *mg_certificate_from_file(const char *path, struct mg_error *error);

/* SHA-256 of the certificate in DER form. */
struct mg_fingerprint mg_certificate_fingerprint(const X509 *certificate);

/* A name in the form of RFC 4514 ("CN=…,O=…,C=DE"), cut to size; and the subject likewise. */
void mg_name_text(const X509_NAME *name, char *text, size_t size);
void mg_certificate_subject(const X509 *certificate, char *text, size_t size);

/* notBefore and notAfter in milliseconds since 1970. */
int64_t mg_certificate_beginning(const X509 *certificate);
int64_t mg_certificate_expiry(const X509 *certificate);

#endif
