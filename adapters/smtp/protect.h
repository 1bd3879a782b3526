/*
 * protect: signs and encrypts what is to be mailed (CMS, RFC 5652, as S/MIME 4.0 has it, RFC 8551).
 *
 * Signed is with SHA-256 and ECDSA, or RSA with PSS; encrypted with AES-256 and a key that is
 * agreed on by ECDH, or transported by RSA with OAEP (BSI TR-03116-4). AES is used in CBC mode
 * unless GCM is asked for: many mail programs of offices cannot read the authenticated form
 * (authEnvelopedData), and the signature inside tells of every change.
 *
 * Certificates and keys are read anew for each mail, so that one that was renewed counts at once.
 * Nothing is encrypted to a certificate that is not valid now, that is not for encryption, or that
 * does not name the address that the mail goes to: an operator has to mend that, and the message
 * waits for it. Everything belongs on another thread.
 */
#ifndef MUENGSTEN_ADAPTERS_SMTP_PROTECT_H
#define MUENGSTEN_ADAPTERS_SMTP_PROTECT_H

#include "adapters/common/text.h"
#include "adapters/smtp/failure.h"

#include <openssl/x509.h>
#include <time.h>

struct mg_protection {
    const char *signing_certificate; /* files, PEM; the certificates between may follow */
    const char *signing_key;
    const char *certificate; /* of the recipient */
    const char *address;     /* that the recipient's certificate names */
    bool authenticated;      /* AES-GCM instead of CBC */
};

/* True if all files can be read and key and certificate belong together; whether the certificates
 * are valid now is asked for each mail. */
bool mg_protect_check(const struct mg_protection *protection, struct mg_failure *failure);

/* The same, and whether both certificates count now. */
bool mg_protect_look(const struct mg_protection *protection, struct mg_failure *failure);

/* Appends the detached signature of the bytes, as DER. */
bool mg_protect_sign(const struct mg_protection *protection, const struct mg_text *content,
                     struct mg_text *signature, struct mg_failure *failure);

/* Appends the encrypted bytes, as DER. */
bool mg_protect_encrypt(const struct mg_protection *protection, const struct mg_text *content,
                        struct mg_text *encrypted, struct mg_failure *failure);

/* Judges a recipient's certificate as of a moment. */
bool mg_protect_judge(X509 *certificate, const char *address, time_t now,
                      struct mg_failure *failure);

/* Seconds until the first of both certificates expires; 0: they cannot be read, or one has. */
int64_t mg_protect_time_left(const struct mg_protection *protection);

#endif
