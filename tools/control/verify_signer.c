/* Who signed, and whether that certificate counted at that time. */
#include "gateway/base/clock.h"
#include "gateway/message/xml.h"
#include "gateway/trust/authorities.h"
#include "gateway/trust/certificate.h"
#include "gateway/trust/signature.h"
#include "gateway/trust/signature_text.h"
#include "tools/control/verify_inside.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CERTIFICATES      8
#define CERTIFICATE_BYTES 16384

/* ---- the signature ---- */

static X509 *read_certificate(const xmlNode *element)
{
    uint8_t bytes[CERTIFICATE_BYTES];
    size_t length;
    char text[2 * CERTIFICATE_BYTES];
    const unsigned char *at = bytes;
    if (!mg_xml_text(element, text, sizeof text) ||
        !mg_signature_read_base64(text, bytes, sizeof bytes, &length))
        return NULL;
    X509 *certificate = d2i_X509(NULL, &at, (long)length);
    ERR_clear_error();
    return certificate;
}

/* The certificates that a signature brings along, at most so many. */
static size_t read_certificates(const xmlNode *signature, X509 *list[CERTIFICATES])
{
    size_t count = 0;
    for (const xmlNode *info = signature->children; info; info = info->next) {
        if (!mg_verify_is_signature_part(info, "KeyInfo"))
            continue;
        for (const xmlNode *data = info->children; data; data = data->next)
            for (const xmlNode *node = data->children; node; node = node->next)
                if (count < CERTIFICATES && mg_verify_is_signature_part(node, "X509Certificate") &&
                    (list[count] = read_certificate(node)))
                    count++;
    }
    return count;
}

static bool is_this(const X509 *certificate, const void *context)
{
    return X509_cmp(certificate, context) == 0;
}

static bool prove(const struct mg_verify_papers *papers, const char *uri, X509 *certificate,
                  struct mg_verdict *verdict, struct mg_error *error)
{
    struct mg_anchors *anchors = mg_anchors_pinned(certificate);
    const struct mg_signature_policy policy = {
        .anchors = anchors,
        .is_signer = is_this,
        .context = certificate,
        /* Whether a key was long enough then is for the gateway that took the message to say. */
        .rsa_2048_until = INT64_MAX,
    };
    struct mg_signature_result result;
    bool proven = papers->apart ? mg_signature_verify_detached(papers->document, uri, papers->apart,
                                                               &policy, &result, error)
                                : mg_signature_verify_enveloped(papers->document, papers->signature,
                                                                &policy, &result, error);
    snprintf(verdict->method, sizeof verdict->method, "%s", proven ? result.method : "");
    free(result.canonical);
    mg_anchors_free(anchors);
    return proven;
}

X509 *mg_verify_signature(const struct mg_verify_papers *papers, const char *uri,
                          struct mg_verdict *verdict)
{
    X509 *list[CERTIFICATES], *signer = NULL;
    size_t count = read_certificates(papers->signature, list);
    struct mg_error error = {.code = ""};
    mg_fail(&error, "signature.no-certificate", "The signature brings no certificate along.");
    /* Of several, which are a chain, the one whose key it is made with is the signer's. */
    for (size_t i = 0; i < count && !signer; i++)
        if (prove(papers, uri, list[i], verdict, &error))
            signer = list[i];
    for (size_t i = 0; i < count; i++)
        if (list[i] != signer)
            X509_free(list[i]);
    struct mg_verify_check *check =
        mg_verify_add(verdict, "signature", signer ? MG_VERIFY_PASSED : MG_VERIFY_FAILED, "intact");
    if (!signer)
        check->error = error;
    return signer;
}

/* ---- the certificate ---- */

static int64_t milliseconds_of(const ASN1_TIME *time)
{
    struct tm moment;
    return time && ASN1_TIME_to_tm(time, &moment) == 1 ? (int64_t)timegm(&moment) * 1000 : 0;
}

static void describe(X509 *certificate, struct mg_verdict *verdict)
{
    char issuer[sizeof verdict->issuer];
    struct mg_fingerprint fingerprint = mg_certificate_fingerprint(certificate);
    mg_certificate_subject(certificate, verdict->subject, sizeof verdict->subject);
    BIO *text = BIO_new(BIO_s_mem());
    int length = 0;
    if (text && X509_NAME_print_ex(text, X509_get_issuer_name(certificate), 0,
                                   XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0)
        length = BIO_read(text, issuer, sizeof issuer - 1);
    BIO_free(text);
    snprintf(verdict->issuer, sizeof verdict->issuer, "%.*s", length > 0 ? length : 0, issuer);
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *digits = number ? BN_bn2hex(number) : NULL;
    snprintf(verdict->serial, sizeof verdict->serial, "%s", digits ? digits : "");
    OPENSSL_free(digits);
    BN_free(number);
    mg_verify_hexadecimal(fingerprint.bytes, verdict->fingerprint);
    mg_clock_text(milliseconds_of(X509_get0_notBefore(certificate)), verdict->not_before);
    mg_clock_text(milliseconds_of(X509_get0_notAfter(certificate)), verdict->not_after);
}

/* By the authorities: the chain, as of the moment. */
static bool check_chain(const struct mg_verify_request *request, X509 *certificate, int64_t moment,
                        struct mg_verdict *verdict, struct mg_error *error)
{
    struct mg_anchors *anchors = mg_anchors_new(request->authorities, NULL, MG_STALE_REFUSE, error);
    struct mg_error reason = {.code = ""};
    if (!anchors)
        return false;
    mg_anchors_set_moment(anchors, moment);
    bool good = mg_anchors_check(anchors, certificate, NULL, MG_USE_SIGNATURE, &reason);
    mg_verify_add(verdict, "certificate", good ? MG_VERIFY_PASSED : MG_VERIFY_FAILED, "trusted")
        ->error = reason;
    mg_anchors_free(anchors);
    return true;
}

/* Without authorities: the dates alone. */
static void check_dates(const X509 *certificate, int64_t moment, struct mg_verdict *verdict)
{
    struct mg_error reason = {.code = ""};
    if (moment > milliseconds_of(X509_get0_notAfter(certificate)))
        mg_fail(&reason, "certificate.expired", "The certificate had expired.");
    else if (moment < milliseconds_of(X509_get0_notBefore(certificate)))
        mg_fail(&reason, "certificate.not-yet-valid", "The certificate was not valid yet.");
    mg_verify_add(verdict, "certificate", reason.code[0] ? MG_VERIFY_FAILED : MG_VERIFY_PASSED,
                  "in-time")
        ->error = reason;
}

static bool check_expected(const struct mg_verify_request *request, const X509 *certificate,
                           struct mg_verdict *verdict, struct mg_error *error)
{
    X509 *expected = mg_certificate_from_file(request->certificate, error);
    if (!expected)
        return false;
    bool same = X509_cmp(expected, certificate) == 0;
    X509_free(expected);
    struct mg_verify_check *check =
        mg_verify_add(verdict, "signer", same ? MG_VERIFY_PASSED : MG_VERIFY_FAILED, "expected");
    if (!same)
        mg_fail(&check->error, "verify.other-certificate",
                "It was signed with another certificate than the one that was named.");
    return true;
}

/* ---- revocation ---- */

/* A list counts that the certificate's issuer has signed, one of the authorities. */
static bool is_of_issuer(X509_CRL *list, const X509 *certificate, STACK_OF(X509) * authorities)
{
    if (X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_issuer_name(certificate)) != 0)
        return false;
    for (int i = 0; i < sk_X509_num(authorities); i++) {
        X509 *authority = sk_X509_value(authorities, i);
        if (X509_NAME_cmp(X509_get_subject_name(authority), X509_CRL_get_issuer(list)) == 0 &&
            X509_CRL_verify(list, X509_get0_pubkey(authority)) == 1)
            return true;
    }
    ERR_clear_error();
    return false;
}

/* RFC 5280, section 5.3.1; -1: the list does not say. */
static long reason_of(const X509_REVOKED *entry)
{
    ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
    long number = reason ? ASN1_ENUMERATED_get(reason) : CRL_REASON_NONE;
    ASN1_ENUMERATED_free(reason);
    return number;
}

/* Who has the key also writes the moment, so a compromised key speaks for no moment at all; and a
 * list that names no reason leaves that open. */
static void judge_revoked(const X509_REVOKED *entry, int64_t moment, struct mg_verdict *verdict)
{
    int64_t since = milliseconds_of(X509_REVOKED_get0_revocationDate(entry));
    long reason = reason_of(entry);
    char when[MG_CLOCK_TEXT_SIZE];
    mg_clock_text(since, when);
    bool compromised = reason == CRL_REASON_KEY_COMPROMISE || reason == CRL_REASON_CA_COMPROMISE ||
                       reason == CRL_REASON_AA_COMPROMISE;
    if (since <= moment || compromised) {
        struct mg_verify_check *check =
            mg_verify_add(verdict, "revocation", MG_VERIFY_FAILED, "revoked");
        mg_fail(&check->error, "certificate.revoked", "The certificate was revoked at %s%s.", when,
                compromised ? ", since its key was compromised" : "");
    } else if (reason == CRL_REASON_NONE || reason == CRL_REASON_UNSPECIFIED) {
        mg_verify_add(verdict, "revocation", MG_VERIFY_UNCLEAR, "revoked-later");
    } else {
        mg_verify_add(verdict, "revocation", MG_VERIFY_PASSED, "revoked-since");
    }
}

static void look_up(STACK_OF(X509_CRL) * lists, STACK_OF(X509) * authorities, X509 *certificate,
                    int64_t moment, struct mg_verdict *verdict)
{
    X509_REVOKED *entry = NULL;
    bool covered = false;
    for (int i = 0; i < sk_X509_CRL_num(lists) && !entry; i++) {
        X509_CRL *list = sk_X509_CRL_value(lists, i);
        if (!is_of_issuer(list, certificate, authorities))
            continue;
        covered = true;
        if (X509_CRL_get0_by_cert(list, &entry, certificate) != 1)
            entry = NULL;
    }
    if (entry)
        judge_revoked(entry, moment, verdict);
    else
        mg_verify_add(verdict, "revocation", covered ? MG_VERIFY_PASSED : MG_VERIFY_UNCLEAR,
                      covered ? "not-revoked" : "no-list");
}

static bool check_revocation(const struct mg_verify_request *request, X509 *certificate,
                             int64_t moment, struct mg_verdict *verdict, struct mg_error *error)
{
    STACK_OF(X509) *authorities = mg_authorities_read(request->authorities, error);
    STACK_OF(X509_CRL) *lists =
        authorities ? mg_lists_read(request->revocation, authorities, error) : NULL;
    if (lists)
        look_up(lists, authorities, certificate, moment, verdict);
    bool read = lists != NULL;
    sk_X509_CRL_pop_free(lists, X509_CRL_free);
    sk_X509_pop_free(authorities, X509_free);
    return read;
}

bool mg_verify_signer(const struct mg_verify_request *request, X509 *certificate,
                      struct mg_verdict *verdict, struct mg_error *error)
{
    int64_t moment = verdict->moment ? verdict->moment : mg_clock_now();
    describe(certificate, verdict);
    if (request->authorities) {
        if (!check_chain(request, certificate, moment, verdict, error))
            return false;
    } else if (request->certificate) {
        check_dates(certificate, moment, verdict);
    } else {
        mg_verify_add(verdict, "certificate", MG_VERIFY_UNCLEAR, "nobody-trusted");
    }
    return (!request->revocation || !request->authorities ||
            check_revocation(request, certificate, moment, verdict, error)) &&
           (!request->certificate || check_expected(request, certificate, verdict, error));
}
