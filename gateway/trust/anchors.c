#include "gateway/trust/certificate.h"

#include "gateway/base/clock.h"
#include "gateway/trust/authorities.h"
#include "gateway/trust/proven.h"
#include "gateway/trust/revocation.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct mg_anchors {
    STACK_OF(X509) * authorities;
    char *revocation_path; /* NULL: no lists */
    struct mg_revocation *revocation;
    struct mg_proven *proven;
    pthread_mutex_t refreshing; /* held while lists are read; guards the stamp */
    struct mg_stamp stamp;
    pthread_mutex_t exchanging; /* held for moments; guards store and the writing of generation */
    X509_STORE *store;
    int64_t moment;              /* as of which certificates are judged; 0: now */
    struct mg_list_facts *facts; /* of the lists in store; under the same lock */
    size_t fact_count;
    bool accepts_stale;
    _Atomic uint64_t
        generation; /* of the lists in store; read without the lock by those who look up */
};

/* ---- what operators see of the lists ---- */

static int64_t moment(const ASN1_TIME *time)
{
    struct tm parts;
    return time && ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) * 1000 : 0;
}

/* Of several lists of one issuer the newest: it is the one that counts. */
static void add_facts(struct mg_list_facts *facts, size_t *count, const X509_CRL *list)
{
    struct mg_list_facts found = {.last_update = moment(X509_CRL_get0_lastUpdate(list)),
                                  .next_update = moment(X509_CRL_get0_nextUpdate(list))};
    mg_name_text(X509_CRL_get_issuer(list), found.issuer, sizeof found.issuer);
    size_t place = 0;
    while (place < *count && strcmp(facts[place].issuer, found.issuer) != 0)
        place++;
    if (place == *count)
        ++*count;
    else if (facts[place].last_update >= found.last_update)
        return;
    facts[place] = found;
}

static struct mg_list_facts *facts_of(STACK_OF(X509_CRL) * lists, size_t *count)
{
    int all = sk_X509_CRL_num(lists);
    struct mg_list_facts *facts = mg_allocate_zeroed(all > 0 ? (size_t)all : 1, sizeof *facts);
    *count = 0;
    for (int i = 0; i < all; i++)
        add_facts(facts, count, sk_X509_CRL_value(lists, i));
    return facts;
}

size_t mg_anchors_lists(struct mg_anchors *anchors, struct mg_list_facts *facts, size_t limit)
{
    pthread_mutex_lock(&anchors->exchanging);
    size_t count = anchors->fact_count;
    if (limit > 0 && count > 0)
        memcpy(facts, anchors->facts, (count < limit ? count : limit) * sizeof *facts);
    pthread_mutex_unlock(&anchors->exchanging);
    return count;
}

bool mg_anchors_accepts_stale_lists(const struct mg_anchors *anchors)
{
    return anchors->accepts_stale;
}

const STACK_OF(X509) * mg_anchors_authorities(const struct mg_anchors *anchors)
{
    return anchors->authorities;
}

/* ---- reading and exchanging ---- */

/* What comes of reading the lists. */
struct reading {
    struct mg_stamp stamp;
    X509_STORE *store;
    struct mg_list_facts *facts;
    size_t count;
};

/* Reads the lists and makes the store that has them. The stamp is taken before: whatever changes
 * while the files are read is then seen by the next look. */
static bool read_lists(struct mg_anchors *anchors, struct reading *reading, struct mg_error *error)
{
    STACK_OF(X509_CRL) *lists = NULL;
    if (anchors->revocation_path) {
        if (!mg_lists_stamp(anchors->revocation_path, &reading->stamp, error))
            return false;
        lists = mg_lists_read(anchors->revocation_path, anchors->authorities, error);
        if (!lists)
            return false;
    }
    reading->store = mg_revocation_store(anchors->revocation, anchors->authorities, lists);
    reading->facts = facts_of(lists, &reading->count);
    sk_X509_CRL_pop_free(lists, X509_CRL_free);
    return true;
}

static struct mg_anchors *allocate(enum mg_stale_list stale)
{
    struct mg_anchors *anchors = mg_allocate_zeroed(1, sizeof *anchors);
    pthread_mutex_init(&anchors->refreshing, NULL);
    pthread_mutex_init(&anchors->exchanging, NULL);
    atomic_init(&anchors->generation, 1);
    anchors->proven = mg_proven_new();
    anchors->revocation = mg_revocation_new(stale);
    anchors->accepts_stale = stale == MG_STALE_ACCEPT;
    return anchors;
}

struct mg_anchors *mg_anchors_new(const char *authorities, const char *revocation,
                                  enum mg_stale_list stale, struct mg_error *error)
{
    struct mg_anchors *anchors = allocate(stale);
    anchors->revocation_path = revocation ? mg_copy_text(revocation) : NULL;
    anchors->authorities = mg_authorities_read(authorities, error);
    struct reading reading = {0};
    if (!anchors->authorities || !read_lists(anchors, &reading, error)) {
        mg_anchors_free(anchors);
        return NULL;
    }
    anchors->stamp = reading.stamp;
    anchors->store = reading.store;
    anchors->facts = reading.facts;
    anchors->fact_count = reading.count;
    return anchors;
}

struct mg_anchors *mg_anchors_pinned(X509 *certificate)
{
    struct mg_anchors *anchors = allocate(MG_STALE_REFUSE);
    anchors->authorities = sk_X509_new_null();
    if (!anchors->authorities || X509_up_ref(certificate) != 1 ||
        sk_X509_push(anchors->authorities, certificate) <= 0)
        mg_die("no memory for a certificate");
    anchors->store = mg_revocation_store(anchors->revocation, anchors->authorities, NULL);
    /* The chain ends with it, though it is no root. */
    X509_VERIFY_PARAM_set_flags(X509_STORE_get0_param(anchors->store),
                                X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
    return anchors;
}

void mg_anchors_set_moment(struct mg_anchors *anchors, int64_t moment)
{
    anchors->moment = moment;
}

void mg_anchors_free(struct mg_anchors *anchors)
{
    if (!anchors)
        return;
    X509_STORE_free(anchors->store);
    free(anchors->facts);
    sk_X509_pop_free(anchors->authorities, X509_free);
    free(anchors->revocation_path);
    mg_revocation_free(anchors->revocation);
    mg_proven_free(anchors->proven);
    pthread_mutex_destroy(&anchors->exchanging);
    pthread_mutex_destroy(&anchors->refreshing);
    free(anchors);
}

/* The new generation makes everything that was proven before worthless. */
static void exchange(struct mg_anchors *anchors, const struct reading *reading)
{
    pthread_mutex_lock(&anchors->exchanging);
    X509_STORE *old = anchors->store;
    struct mg_list_facts *old_facts = anchors->facts;
    anchors->store = reading->store;
    anchors->facts = reading->facts;
    anchors->fact_count = reading->count;
    atomic_fetch_add(&anchors->generation, 1);
    pthread_mutex_unlock(&anchors->exchanging);
    X509_STORE_free(old);
    free(old_facts);
}

bool mg_anchors_refresh(struct mg_anchors *anchors, bool *changed, struct mg_error *error)
{
    *changed = false;
    if (!anchors->revocation_path)
        return true;
    pthread_mutex_lock(&anchors->refreshing);
    struct mg_stamp stamp;
    bool refreshed = mg_lists_stamp(anchors->revocation_path, &stamp, error);
    if (refreshed && memcmp(&stamp, &anchors->stamp, sizeof stamp) != 0) {
        struct reading reading = {0};
        *changed = refreshed = read_lists(anchors, &reading, error);
        if (refreshed) {
            exchange(anchors, &reading);
            anchors->stamp = reading.stamp;
        }
    }
    pthread_mutex_unlock(&anchors->refreshing);
    return refreshed;
}

uint64_t mg_anchors_generation(struct mg_anchors *anchors)
{
    return atomic_load(&anchors->generation);
}

/* The store, and the generation of its lists if somebody wants to know. */
static X509_STORE *take_store(struct mg_anchors *anchors, uint64_t *generation)
{
    pthread_mutex_lock(&anchors->exchanging);
    X509_STORE *store = anchors->store;
    X509_STORE_up_ref(store);
    if (generation)
        *generation = atomic_load(&anchors->generation);
    pthread_mutex_unlock(&anchors->exchanging);
    return store;
}

X509_STORE *mg_anchors_store(struct mg_anchors *anchors)
{
    return take_store(anchors, NULL);
}

static const struct verdict {
    int number;
    const char *code;
    const char *text;
} verdicts[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, "certificate.expired",
     "has expired; its owner needs a new certificate"},
    {X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, "certificate.expired",
     "has an unreadable end of validity"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "certificate.not-yet-valid",
     "is not valid yet; wait, or compare the clocks of both sides"},
    {X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, "certificate.not-yet-valid",
     "has an unreadable beginning of validity"},
    {X509_V_ERR_CERT_REVOKED, "certificate.revoked",
     "was revoked by its issuer; its owner needs a new certificate"},
    {X509_V_ERR_CRL_HAS_EXPIRED, "certificate.list-stale",
     "cannot be judged, since the revocation list of its issuer is past its nextUpdate; the "
     "operator "
     "has to fetch a new list"},
    {X509_V_ERR_CRL_NOT_YET_VALID, "certificate.list-stale",
     "cannot be judged, since the revocation list of its issuer is not valid yet; compare the "
     "clocks"},
    {X509_V_ERR_UNABLE_TO_GET_CRL, "certificate.untrusted",
     "is not covered by the revocation list that there is of its issuer"},
    {X509_V_ERR_INVALID_PURPOSE, "certificate.usage",
     "is not made for this use; see its extendedKeyUsage and keyUsage"},
    {X509_V_ERR_EE_KEY_TOO_SMALL, "certificate.untrusted",
     "has a key that is too short; RSA needs 2048 bits at least"},
    {X509_V_ERR_CA_KEY_TOO_SMALL, "certificate.untrusted",
     "has a key that is too short; RSA needs 2048 bits at least"},
    {X509_V_ERR_CA_MD_TOO_WEAK, "certificate.untrusted",
     "is signed with a weak digest such as SHA-1; its owner needs a new certificate"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, "certificate.untrusted",
     "was not signed by the issuer that it names, or was changed since"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "certificate.untrusted",
     "does not come from one of the trusted authorities"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "certificate.untrusted",
     "is signed by itself and not one of the trusted authorities"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "certificate.untrusted",
     "leads to a root that is not one of the trusted authorities"},
};

static bool fail_verification(X509_STORE_CTX *context, struct mg_error *error)
{
    int number = X509_STORE_CTX_get_error(context);
    const char *who =
        X509_STORE_CTX_get_error_depth(context) > 0 ? "An issuer's certificate" : "The certificate";
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
        if (verdicts[i].number == number)
            return mg_fail(error, verdicts[i].code, "%s %s.", who, verdicts[i].text);
    return mg_fail(error, "certificate.untrusted",
                   "%s does not obey the rules for certificates (RFC 5280): %s.", who,
                   X509_verify_cert_error_string(number));
}

/* RFC 5280, section 4.2.1.12: extendedKeyUsage limits a certificate to what it lists. One that
 * lists TLS and nothing else is not for signatures. */
static bool is_for_tls_only(const X509 *certificate)
{
    EXTENDED_KEY_USAGE *purposes = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
    bool only = purposes != NULL;
    for (int i = 0; i < sk_ASN1_OBJECT_num(purposes); i++) {
        int purpose = OBJ_obj2nid(sk_ASN1_OBJECT_value(purposes, i));
        only = only && (purpose == NID_server_auth || purpose == NID_client_auth);
    }
    EXTENDED_KEY_USAGE_free(purposes);
    return only;
}

static bool check_signature_use(X509 *certificate, struct mg_error *error)
{
    /* All bits are set if there is no keyUsage: then RFC 5280 does not limit the key. */
    if ((X509_get_key_usage(certificate) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) == 0)
        return mg_fail(error, "certificate.usage",
                       "The certificate is not made for signatures: its keyUsage has neither "
                       "digitalSignature nor nonRepudiation.");
    if (is_for_tls_only(certificate))
        return mg_fail(error, "certificate.usage",
                       "The certificate is not made for signatures: its extendedKeyUsage lists TLS "
                       "and nothing else.");
    return true;
}

static void set_purpose(X509_STORE_CTX *context, enum mg_certificate_use use)
{
    /* The names under which OpenSSL's TLS does the same. For signatures it knows only S/MIME, whose
     * rules are for mail: their use is checked afterwards. */
    if (use != MG_USE_SIGNATURE)
        X509_STORE_CTX_set_default(context, use == MG_USE_TLS_CLIENT ? "ssl_client" : "ssl_server");
}

/* Verifies the chain as of a moment (0: now). On success proof->until says how long that holds. */
static bool verify(X509_STORE *store, X509 *certificate, STACK_OF(X509) * intermediates,
                   int64_t moment, struct mg_proof *proof, struct mg_error *error)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    if (!context || X509_STORE_CTX_init(context, store, certificate, intermediates) != 1)
        mg_die("no memory to verify a certificate");
    set_purpose(context, proof->use);
    if (moment != 0)
        X509_STORE_CTX_set_time(context, 0, (time_t)(moment / 1000));
    bool verified = X509_verify_cert(context) == 1 || fail_verification(context, error);
    if (verified && proof->use == MG_USE_SIGNATURE)
        verified = check_signature_use(certificate, error);
    if (verified)
        proof->until = mg_revocation_until(context, proof->since);
    X509_STORE_CTX_free(context);
    ERR_clear_error();
    return verified;
}

bool mg_anchors_check(struct mg_anchors *anchors, X509 *certificate, STACK_OF(X509) * intermediates,
                      enum mg_certificate_use use, struct mg_error *error)
{
    struct mg_proof proof = {mg_certificate_fingerprint(certificate), use, 0, mg_clock_now(), 0};
    bool as_of_now = anchors->moment == 0;
    if (as_of_now && mg_proven_find(anchors->proven, &proof.fingerprint, use,
                                    mg_anchors_generation(anchors), proof.since))
        return true;
    X509_STORE *store = take_store(anchors, &proof.generation);
    bool good = verify(store, certificate, intermediates, anchors->moment, &proof, error);
    if (good && as_of_now)
        mg_proven_add(anchors->proven, &proof);
    X509_STORE_free(store);
    return good;
}
