#include "adapters/common/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdio.h>

/* TR-02102-2, tables 1 to 4, with forward secrecy and authenticated encryption only. */
#define SUITES_1_2                                                                                 \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:"                                 \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"
#define SUITES_1_3 "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"
#define GROUPS     "P-256:P-384:P-521"

/* OpenSSL would ask on the terminal for the passphrase of a key that has one. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

static int verify(int accepted, X509_STORE_CTX *store)
{
    const SSL *connection = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    SSL_CTX *context = SSL_get_SSL_CTX(connection);
    if (!accepted)
        SSL_CTX_set_app_data(context, (void *)(intptr_t)X509_STORE_CTX_get_error(store));
    return accepted;
}

const char *mg_tls_distrust(const SSL_CTX *context)
{
    long error = (long)(intptr_t)SSL_CTX_get_app_data(context);
    return error == X509_V_OK ? NULL : X509_verify_cert_error_string(error);
}

static bool name_peer(SSL_CTX *context, const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    X509_VERIFY_PARAM *wanted = SSL_CTX_get0_param(context);
    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(wanted, host) == 1;
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(wanted, host, 0) == 1;
}

static const char *why(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    return text ? text : "unknown reason";
}

bool mg_tls_prepare(SSL_CTX *context, const struct mg_tls *tls, char *reason, size_t size)
{
    ERR_clear_error();
    SSL_CTX_set_app_data(context, NULL);
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, verify);
    const char *wrong = NULL, *file = "";
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, SUITES_1_2) != 1 ||
        SSL_CTX_set_ciphersuites(context, SUITES_1_3) != 1 ||
        SSL_CTX_set1_groups_list(context, GROUPS) != 1 || !name_peer(context, tls->host))
        wrong = "OpenSSL does not offer the TLS that is needed";
    else if (SSL_CTX_load_verify_locations(context, tls->authorities, NULL) != 1)
        wrong = "The authorities cannot be read", file = tls->authorities;
    else if (tls->certificate && SSL_CTX_use_certificate_chain_file(context, tls->certificate) != 1)
        wrong = "The certificate cannot be used", file = tls->certificate;
    else if (tls->key && SSL_CTX_use_PrivateKey_file(context, tls->key, SSL_FILETYPE_PEM) != 1)
        wrong = "The key cannot be used, or does not belong to the certificate", file = tls->key;
    if (wrong)
        snprintf(reason, size, "%s (%s)%s%s.", wrong, why(), *file ? ": " : "", file);
    ERR_clear_error();
    return !wrong;
}
