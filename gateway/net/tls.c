#include "gateway/net/tls.h"

#include "gateway/net/tls_peers.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <string.h>

/* BSI TR-02102-2, section 3.3.1 and 3.4.1: forward secrecy and authenticated encryption. The suites
 * with 128 bits come first: both lengths are recommended, and they cost less. */
#define SUITES_1_2                                                                                 \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"     \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-CCM:ECDHE-ECDSA-AES256-CCM"
#define SUITES_1_3 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_AES_128_CCM_SHA256"

/* Sections 3.3.2 and 3.4.2; brainpool only counts in TLS 1.2 with the OpenSSL of Debian 12. */
#define GROUPS         "P-256:P-384:P-521:brainpoolP256r1:brainpoolP384r1:brainpoolP512r1"
#define GROUPS_WITHOUT "P-256:P-384:P-521"
#define SIGNATURES                                                                                 \
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:"              \
    "rsa_pss_rsae_sha512:rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"                \
    "RSA+SHA256:RSA+SHA384:RSA+SHA512"

/* Authorities between the peer's certificate and the root. */
#define CHAIN_LIMIT 6

/* A key with a password would make OpenSSL ask at the terminal: a daemon has none. */
static int no_password(char *buffer, int size, int writing, void *context)
{
    (void)writing;
    (void)context;
    if (size > 0)
        buffer[0] = '\0';
    return -1;
}

static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    return text ? text : "unknown reason";
}

static bool load(SSL_CTX *context, const char *certificate, const char *key, struct mg_error *error)
{
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1) {
        mg_fail(error, "tls.certificate", "The certificate cannot be used (%s).", reason());
        mg_error_at(error, "%s", certificate);
        return false;
    }
    /* OpenSSL compares both here, but reports a mismatch as a failure to load the key. */
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        int number = ERR_GET_REASON(ERR_peek_last_error());
        bool mismatch = number == X509_R_KEY_VALUES_MISMATCH || number == X509_R_KEY_TYPE_MISMATCH;
        if (mismatch)
            mg_fail(error, "tls.mismatch", "The private key does not belong to the certificate.");
        else
            mg_fail(error, "tls.key", "The private key cannot be read (%s).", reason());
        mg_error_at(error, "%s", key);
        return false;
    }
    if (SSL_CTX_check_private_key(context) != 1)
        return mg_fail(error, "tls.mismatch",
                       "The private key does not belong to the certificate.");
    return true;
}

static bool restrict_algorithms(SSL_CTX *context)
{
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, SUITES_1_2) == 1 &&
           SSL_CTX_set_ciphersuites(context, SUITES_1_3) == 1 &&
           (SSL_CTX_set1_groups_list(context, GROUPS) == 1 ||
            SSL_CTX_set1_groups_list(context, GROUPS_WITHOUT) == 1) &&
           SSL_CTX_set1_sigalgs_list(context, SIGNATURES) == 1;
}

static SSL_CTX *new_context(const SSL_METHOD *method, const char *certificate, const char *key,
                            X509_STORE *store, struct mg_error *error)
{
    SSL_CTX *context = SSL_CTX_new(method);
    if (!context || !restrict_algorithms(context))
        mg_die("OpenSSL offers no TLS (%s)", reason());
    SSL_CTX_set_default_passwd_cb(context, no_password);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
    /* Thousands of idle connections keep no record buffers. */
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    /* No session is ever resumed, so that every connection meets the newest revocation list. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_verify_depth(context, CHAIN_LIMIT);
    SSL_CTX_set1_cert_store(context, store);
    bool loaded = load(context, certificate, key, error);
    ERR_clear_error();
    if (loaded)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

SSL_CTX *mg_tls_server(const char *certificate, const char *key, X509_STORE *store,
                       struct mg_error *error)
{
    static const unsigned char name[] = "muengsten";
    SSL_CTX *context = new_context(TLS_server_method(), certificate, key, store, error);
    if (!context)
        return NULL;
    SSL_CTX_set_session_id_context(context, name, sizeof name - 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    mg_tls_share_peers(context);
    return context;
}

SSL_CTX *mg_tls_client(const char *certificate, const char *key, X509_STORE *store,
                       struct mg_error *error)
{
    SSL_CTX *context = new_context(TLS_client_method(), certificate, key, store, error);
    if (context)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    return context;
}

void mg_tls_set_store(SSL_CTX *context, X509_STORE *store)
{
    SSL_CTX_set1_cert_store(context, store);
}
