#include "gateway/trust/certificate.h"
#include "gateway/base/clock.h"
#include "tests/unit/pki.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOUR ((time_t)3600)

/* A root, an authority under it, and one under the same root that has no revocation list. */
static struct pki_party root, authority, listless;
static char folder[] = "/tmp/muengsten-certificate-XXXXXX";
static char authorities[sizeof folder + 32], lists[sizeof folder + 32];

static struct pki_party make_leaf(const struct pki_party *issuer, const char *name)
{
    return pki_make(&(struct pki_plan){.name = name, .issuer = issuer});
}

/* Lists of the root and of the authority that are good for an hour; on the second what is revoked.
 */
static void write_good_lists(X509 *const *revoked, size_t count)
{
    pki_write_lists(lists, pki_list(&root, NULL, 0, -HOUR, HOUR),
                    pki_list(&authority, revoked, count, -HOUR, HOUR), NULL);
}

static struct mg_anchors *open_anchors(const char *revocation, enum mg_stale_list stale)
{
    struct mg_error error = {0};
    struct mg_anchors *anchors = mg_anchors_new(authorities, revocation, stale, &error);
    if (!anchors)
        printf("# %s: %s\n", error.code, error.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(anchors);
    return anchors;
}

/* The code of the refusal, or "good". */
static const char *check(struct mg_anchors *anchors, X509 *certificate, enum mg_certificate_use use)
{
    static _Thread_local struct mg_error error;
    return mg_anchors_check(anchors, certificate, NULL, use, &error) ? "good" : error.code;
}

/* Checks a certificate of this plan, without lists. */
static const char *check_plan(struct pki_plan plan, enum mg_certificate_use use)
{
    plan.name = "leaf";
    plan.issuer = plan.issuer ? plan.issuer : &authority;
    struct pki_party leaf = pki_make(&plan);
    struct mg_anchors *anchors = open_anchors(NULL, MG_STALE_REFUSE);
    const char *code = check(anchors, leaf.certificate, use);
    mg_anchors_free(anchors);
    pki_free(&leaf);
    return code;
}

static void a_certificate_of_a_known_authority_is_good(void)
{
    struct pki_plan plan = {0};
    CU_ASSERT_STRING_EQUAL(check_plan(plan, MG_USE_SIGNATURE), "good");
    CU_ASSERT_STRING_EQUAL(check_plan(plan, MG_USE_TLS_CLIENT), "good");
    CU_ASSERT_STRING_EQUAL(check_plan(plan, MG_USE_TLS_SERVER), "good");
}

static void one_of_an_unknown_authority_is_untrusted_even_under_a_known_name(void)
{
    struct pki_party stranger = pki_make(&(struct pki_plan){.name = "stranger", .authority = 1});
    struct pki_party twin = pki_make(&(struct pki_plan){.name = "authority", .authority = 1});
    CU_ASSERT_STRING_EQUAL(check_plan((struct pki_plan){.issuer = &stranger}, MG_USE_SIGNATURE),
                           "certificate.untrusted");
    CU_ASSERT_STRING_EQUAL(check_plan((struct pki_plan){.issuer = &twin}, MG_USE_SIGNATURE),
                           "certificate.untrusted");
    struct mg_anchors *anchors = open_anchors(NULL, MG_STALE_REFUSE);
    CU_ASSERT_STRING_EQUAL(check(anchors, stranger.certificate, MG_USE_SIGNATURE),
                           "certificate.untrusted");
    mg_anchors_free(anchors);
    pki_free(&stranger);
    pki_free(&twin);
}

static void a_leaf_is_no_authority(void)
{
    struct pki_party leaf = make_leaf(&authority, "leaf");
    struct pki_party below = make_leaf(&leaf, "below");
    struct mg_anchors *anchors = open_anchors(NULL, MG_STALE_REFUSE);
    STACK_OF(X509) *intermediates = sk_X509_new_null();
    struct mg_error error = {0};
    sk_X509_push(intermediates, leaf.certificate);
    CU_ASSERT_FALSE(
        mg_anchors_check(anchors, below.certificate, intermediates, MG_USE_SIGNATURE, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "certificate.untrusted");
    sk_X509_free(intermediates);
    mg_anchors_free(anchors);
    pki_free(&below);
    pki_free(&leaf);
}

static void a_certificate_counts_only_within_its_validity(void)
{
    CU_ASSERT_STRING_EQUAL(check_plan((struct pki_plan){.not_after = -60}, MG_USE_SIGNATURE),
                           "certificate.expired");
    CU_ASSERT_STRING_EQUAL(check_plan((struct pki_plan){.not_before = 60}, MG_USE_SIGNATURE),
                           "certificate.not-yet-valid");
    CU_ASSERT_STRING_EQUAL(check_plan((struct pki_plan){.not_after = -60}, MG_USE_TLS_CLIENT),
                           "certificate.expired");
}

static void a_certificate_is_judged_as_of_the_moment_that_is_asked_about(void)
{
    struct pki_party leaf =
        pki_make(&(struct pki_plan){.name = "leaf", .issuer = &authority, .not_after = -60});
    struct mg_anchors *anchors = open_anchors(NULL, MG_STALE_REFUSE);
    static const struct {
        int64_t seconds;
        const char *code;
    } cases[] = {{-3600, "good"}, {0, "certificate.expired"}, {-3600, "good"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mg_anchors_set_moment(anchors,
                              cases[i].seconds ? mg_clock_now() + cases[i].seconds * 1000 : 0);
        CU_ASSERT_STRING_EQUAL(check(anchors, leaf.certificate, MG_USE_SIGNATURE), cases[i].code);
    }
    mg_anchors_set_moment(anchors, mg_clock_now() - (int64_t)48 * 3600 * 1000);
    CU_ASSERT_STRING_EQUAL(check(anchors, leaf.certificate, MG_USE_SIGNATURE),
                           "certificate.not-yet-valid");
    mg_anchors_free(anchors);
    pki_free(&leaf);
}

static void a_pinned_certificate_is_good_and_no_other_is(void)
{
    struct pki_party leaf =
        pki_make(&(struct pki_plan){.name = "leaf", .issuer = &authority, .not_after = -60});
    struct pki_party other = make_leaf(&authority, "leaf");
    struct pki_party below = make_leaf(&leaf, "below");
    struct mg_anchors *anchors = mg_anchors_pinned(leaf.certificate);
    CU_ASSERT_STRING_EQUAL(check(anchors, leaf.certificate, MG_USE_SIGNATURE), "good");
    CU_ASSERT_STRING_EQUAL(check(anchors, other.certificate, MG_USE_SIGNATURE),
                           "certificate.untrusted");
    CU_ASSERT_STRING_EQUAL(check(anchors, below.certificate, MG_USE_SIGNATURE),
                           "certificate.untrusted");
    CU_ASSERT_STRING_EQUAL(check(anchors, authority.certificate, MG_USE_SIGNATURE),
                           "certificate.untrusted");
    mg_anchors_free(anchors);
    pki_free(&below);
    pki_free(&other);
    pki_free(&leaf);
}

static void a_certificate_counts_only_for_what_it_was_made_for(void)
{
    static const struct {
        const char *usage, *extended_usage;
        const char *signature, *client, *server;
    } cases[] = {
        {"digitalSignature", NULL, "good", "good", "good"},
        {"nonRepudiation", NULL, "good", "certificate.usage", "certificate.usage"},
        {"keyEncipherment", NULL, "certificate.usage", "certificate.usage", "good"},
        {"keyAgreement", NULL, "certificate.usage", "good", "good"},
        {"digitalSignature", "clientAuth", "certificate.usage", "good", "certificate.usage"},
        {"digitalSignature", "clientAuth,serverAuth", "certificate.usage", "good", "good"},
        {"digitalSignature", "clientAuth,emailProtection", "good", "good", "certificate.usage"},
        {"digitalSignature", "1.3.6.1.5.5.7.3.36", "good", "certificate.usage",
         "certificate.usage"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pki_plan plan = {.usage = cases[i].usage, .extended_usage = cases[i].extended_usage};
        CU_ASSERT_STRING_EQUAL(check_plan(plan, MG_USE_SIGNATURE), cases[i].signature);
        CU_ASSERT_STRING_EQUAL(check_plan(plan, MG_USE_TLS_CLIENT), cases[i].client);
        CU_ASSERT_STRING_EQUAL(check_plan(plan, MG_USE_TLS_SERVER), cases[i].server);
    }
}

static void weak_keys_and_digests_are_untrusted(void)
{
    CU_ASSERT_STRING_EQUAL(check_plan((struct pki_plan){.digest = EVP_sha1()}, MG_USE_SIGNATURE),
                           "certificate.untrusted");
    CU_ASSERT_STRING_EQUAL(check_plan((struct pki_plan){.key = pki_rsa(1024)}, MG_USE_SIGNATURE),
                           "certificate.untrusted");
    CU_ASSERT_STRING_EQUAL(check_plan((struct pki_plan){.key = pki_rsa(2048)}, MG_USE_SIGNATURE),
                           "good");
}

static void a_brainpool_certificate_is_good_for_signatures(void)
{
    struct pki_plan plan = {.key = EVP_EC_gen("brainpoolP256r1"), .usage = "nonRepudiation"};
    CU_ASSERT_STRING_EQUAL(check_plan(plan, MG_USE_SIGNATURE), "good");
}

static void a_revoked_certificate_is_refused_and_its_neighbour_is_not(void)
{
    struct pki_party good = make_leaf(&authority, "good"), bad = make_leaf(&authority, "bad");
    write_good_lists(&bad.certificate, 1);
    struct mg_anchors *anchors = open_anchors(lists, MG_STALE_REFUSE);
    CU_ASSERT_STRING_EQUAL(check(anchors, bad.certificate, MG_USE_SIGNATURE),
                           "certificate.revoked");
    CU_ASSERT_STRING_EQUAL(check(anchors, bad.certificate, MG_USE_TLS_CLIENT),
                           "certificate.revoked");
    CU_ASSERT_STRING_EQUAL(check(anchors, good.certificate, MG_USE_SIGNATURE), "good");
    mg_anchors_free(anchors);
    pki_free(&good);
    pki_free(&bad);
}

static void a_revoked_authority_takes_all_its_certificates_with_it(void)
{
    struct pki_party leaf = make_leaf(&authority, "leaf");
    pki_write_lists(lists, pki_list(&root, &authority.certificate, 1, -HOUR, HOUR), NULL);
    struct mg_anchors *anchors = open_anchors(lists, MG_STALE_REFUSE);
    CU_ASSERT_STRING_EQUAL(check(anchors, leaf.certificate, MG_USE_SIGNATURE),
                           "certificate.revoked");
    mg_anchors_free(anchors);
    pki_free(&leaf);
}

static void an_issuer_without_a_list_is_not_asked_for_one(void)
{
    struct pki_party leaf = make_leaf(&listless, "leaf");
    write_good_lists(NULL, 0);
    struct mg_anchors *anchors = open_anchors(lists, MG_STALE_REFUSE);
    CU_ASSERT_STRING_EQUAL(check(anchors, leaf.certificate, MG_USE_SIGNATURE), "good");
    mg_anchors_free(anchors);
    pki_free(&leaf);
}

static void a_stale_list_refuses_the_certificates_of_its_issuer(void)
{
    struct pki_party leaf = make_leaf(&authority, "leaf"), other = make_leaf(&listless, "other");
    pki_write_lists(lists, pki_list(&root, NULL, 0, -HOUR, HOUR),
                    pki_list(&authority, NULL, 0, -2 * HOUR, -HOUR), NULL);
    struct mg_anchors *anchors = open_anchors(lists, MG_STALE_REFUSE);
    CU_ASSERT_STRING_EQUAL(check(anchors, leaf.certificate, MG_USE_SIGNATURE),
                           "certificate.list-stale");
    CU_ASSERT_STRING_EQUAL(check(anchors, other.certificate, MG_USE_SIGNATURE), "good");
    mg_anchors_free(anchors);
    pki_free(&leaf);
    pki_free(&other);
}

/* Sends stderr to a file until released, and counts the lines there that hold the text. */
static int catch_log(const char *path)
{
    int before = dup(STDERR_FILENO);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CU_ASSERT_FATAL(before >= 0 && file >= 0 && dup2(file, STDERR_FILENO) >= 0);
    close(file);
    return before;
}

static int release_log(const char *path, int before, const char *text)
{
    int count = 0;
    char line[4096];
    dup2(before, STDERR_FILENO);
    close(before);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        count += strstr(line, text) != NULL;
    if (file)
        fclose(file);
    unlink(path);
    return count;
}

static void a_stale_list_goes_on_to_count_if_configured_and_is_warned_of_once(void)
{
    struct pki_party good = make_leaf(&authority, "good"), bad = make_leaf(&authority, "bad");
    char log[sizeof folder + 32];
    snprintf(log, sizeof log, "%s/log", folder);
    pki_write_lists(lists, pki_list(&authority, &bad.certificate, 1, -2 * HOUR, -HOUR), NULL);
    struct mg_anchors *anchors = open_anchors(lists, MG_STALE_ACCEPT);
    int before = catch_log(log);
    const char *first = check(anchors, good.certificate, MG_USE_SIGNATURE);
    const char *second = check(anchors, good.certificate, MG_USE_TLS_CLIENT);
    const char *revoked = check(anchors, bad.certificate, MG_USE_SIGNATURE);
    CU_ASSERT_EQUAL(release_log(log, before, "certificate.list-stale"), 1);
    CU_ASSERT_STRING_EQUAL(first, "good");
    CU_ASSERT_STRING_EQUAL(second, "good");
    CU_ASSERT_STRING_EQUAL(revoked, "certificate.revoked");
    mg_anchors_free(anchors);
    pki_free(&good);
    pki_free(&bad);
}

static void what_was_proven_is_remembered_for_its_use_alone(void)
{
    struct pki_party between =
        pki_make(&(struct pki_plan){.name = "between", .issuer = &authority, .authority = 1});
    struct pki_party leaf = make_leaf(&between, "leaf");
    struct mg_anchors *anchors = open_anchors(NULL, MG_STALE_REFUSE);
    STACK_OF(X509) *intermediates = sk_X509_new_null();
    sk_X509_push(intermediates, between.certificate);
    CU_ASSERT_STRING_EQUAL(check(anchors, leaf.certificate, MG_USE_SIGNATURE),
                           "certificate.untrusted");
    CU_ASSERT(mg_anchors_check(anchors, leaf.certificate, intermediates, MG_USE_SIGNATURE, NULL));
    /* Without the one between them nobody could prove it anew. */
    CU_ASSERT_STRING_EQUAL(check(anchors, leaf.certificate, MG_USE_SIGNATURE), "good");
    CU_ASSERT_STRING_EQUAL(check(anchors, leaf.certificate, MG_USE_TLS_CLIENT),
                           "certificate.untrusted");
    sk_X509_free(intermediates);
    mg_anchors_free(anchors);
    pki_free(&leaf);
    pki_free(&between);
}

/* The first code that is not "good" any more. */
static const char *check_until_refused(struct mg_anchors *anchors, X509 *certificate)
{
    const char *code = check(anchors, certificate, MG_USE_SIGNATURE);
    for (int64_t i = unit_patience(1000); i > 0 && strcmp(code, "good") == 0; i--) {
        usleep(20000);
        code = check(anchors, certificate, MG_USE_SIGNATURE);
    }
    return code;
}

static void what_was_proven_ends_with_the_certificate_and_with_the_list(void)
{
    const time_t life = (time_t)unit_amount(3, 6);
    struct pki_party brief =
        pki_make(&(struct pki_plan){.name = "brief", .issuer = &listless, .not_after = life});
    struct pki_party leaf = make_leaf(&authority, "leaf");
    pki_write_lists(lists, pki_list(&authority, NULL, 0, -HOUR, life), NULL);
    struct mg_anchors *anchors = open_anchors(lists, MG_STALE_REFUSE);
    CU_ASSERT_STRING_EQUAL(check(anchors, brief.certificate, MG_USE_SIGNATURE), "good");
    CU_ASSERT_STRING_EQUAL(check(anchors, leaf.certificate, MG_USE_SIGNATURE), "good");
    CU_ASSERT_STRING_EQUAL(check_until_refused(anchors, brief.certificate), "certificate.expired");
    CU_ASSERT_STRING_EQUAL(check_until_refused(anchors, leaf.certificate),
                           "certificate.list-stale");
    mg_anchors_free(anchors);
    pki_free(&leaf);
    pki_free(&brief);
}

static void a_new_list_is_picked_up_and_what_was_proven_with_the_old_one_is_forgotten(void)
{
    struct pki_party leaf = make_leaf(&authority, "leaf");
    write_good_lists(NULL, 0);
    struct mg_anchors *anchors = open_anchors(lists, MG_STALE_REFUSE);
    X509_STORE *before = mg_anchors_store(anchors);
    uint64_t generation = mg_anchors_generation(anchors);
    bool changed = true;
    CU_ASSERT_STRING_EQUAL(check(anchors, leaf.certificate, MG_USE_SIGNATURE), "good");
    CU_ASSERT(mg_anchors_refresh(anchors, &changed, NULL));
    CU_ASSERT_FALSE(changed);
    CU_ASSERT_EQUAL(mg_anchors_generation(anchors), generation);

    write_good_lists(&leaf.certificate, 1);
    CU_ASSERT(mg_anchors_refresh(anchors, &changed, NULL));
    CU_ASSERT(changed);
    CU_ASSERT_NOT_EQUAL(mg_anchors_generation(anchors), generation);
    CU_ASSERT_STRING_EQUAL(check(anchors, leaf.certificate, MG_USE_SIGNATURE),
                           "certificate.revoked");
    X509_STORE *after = mg_anchors_store(anchors);
    CU_ASSERT_PTR_NOT_EQUAL(before, after);
    X509_STORE_free(before);
    X509_STORE_free(after);
    mg_anchors_free(anchors);
    pki_free(&leaf);
}

static void after_a_broken_list_the_old_ones_stay_in_force(void)
{
    struct pki_party bad = make_leaf(&authority, "bad");
    struct pki_party twin = pki_make(&(struct pki_plan){.name = "authority", .authority = 1});
    struct mg_error error = {0};
    bool changed = true;
    write_good_lists(&bad.certificate, 1);
    struct mg_anchors *anchors = open_anchors(lists, MG_STALE_REFUSE);
    /* Signed by somebody who only has the name of the authority. */
    pki_write_lists(lists, pki_list(&twin, NULL, 0, -HOUR, HOUR), NULL);
    CU_ASSERT_FALSE(mg_anchors_refresh(anchors, &changed, &error));
    CU_ASSERT_FALSE(changed);
    CU_ASSERT_STRING_EQUAL(error.code, "certificate.list-unreadable");
    CU_ASSERT_STRING_EQUAL(error.place, lists);
    CU_ASSERT_STRING_EQUAL(check(anchors, bad.certificate, MG_USE_SIGNATURE),
                           "certificate.revoked");
    unlink(lists);
    CU_ASSERT_FALSE(mg_anchors_refresh(anchors, &changed, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "certificate.list-unreadable");
    write_good_lists(NULL, 0);
    CU_ASSERT(mg_anchors_refresh(anchors, &changed, &error));
    CU_ASSERT_STRING_EQUAL(check(anchors, bad.certificate, MG_USE_SIGNATURE), "good");
    mg_anchors_free(anchors);
    pki_free(&twin);
    pki_free(&bad);
}

static void authorities_and_lists_may_lie_in_folders(void)
{
    struct pki_party bad = make_leaf(&authority, "bad");
    char path[2][sizeof folder + 32], file[4][sizeof folder + 64];
    for (size_t i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s/folder-%zu", folder, i);
        CU_ASSERT_FATAL(mkdir(path[i], 0700) == 0);
    }
    snprintf(file[0], sizeof file[0], "%s/root.pem", path[0]);
    snprintf(file[1], sizeof file[1], "%s/authority.crt", path[0]);
    snprintf(file[2], sizeof file[2], "%s/authority.crl", path[1]);
    snprintf(file[3], sizeof file[3], "%s/notes.txt", path[1]);
    pki_write_certificates(file[0], root.certificate, NULL);
    pki_write_certificates(file[1], authority.certificate, NULL);
    struct mg_error error = {0};
    CU_ASSERT_PTR_NULL(mg_anchors_new(path[0], path[1], MG_STALE_REFUSE, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "certificate.list-unreadable");
    pki_write_lists(file[2], pki_list(&authority, &bad.certificate, 1, -HOUR, HOUR), NULL);
    pki_write_certificates(file[3], NULL);
    struct mg_anchors *anchors = mg_anchors_new(path[0], path[1], MG_STALE_REFUSE, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(anchors);
    CU_ASSERT_STRING_EQUAL(check(anchors, bad.certificate, MG_USE_SIGNATURE),
                           "certificate.revoked");
    mg_anchors_free(anchors);
    for (size_t i = 0; i < 4; i++)
        unlink(file[i]);
    rmdir(path[0]);
    rmdir(path[1]);
    pki_free(&bad);
}

static void expect_no_anchors(const char *from, const char *code)
{
    struct mg_error error = {0};
    struct mg_anchors *anchors = mg_anchors_new(from, NULL, MG_STALE_REFUSE, &error);
    CU_ASSERT_PTR_NULL(anchors);
    CU_ASSERT_STRING_EQUAL(error.code, code);
    CU_ASSERT_STRING_EQUAL(error.place, from);
    mg_anchors_free(anchors);
}

static void authorities_without_a_root_or_without_a_certificate_are_refused(void)
{
    char path[sizeof folder + 32];
    snprintf(path, sizeof path, "%s/other.pem", folder);
    pki_write_certificates(path, authority.certificate, NULL);
    expect_no_anchors(path, "certificate.none");
    pki_write_certificates(path, NULL);
    expect_no_anchors(path, "certificate.unreadable");
    FILE *file = fopen(path, "w");
    fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", file);
    fclose(file);
    expect_no_anchors(path, "certificate.unreadable");
    unlink(path);
    expect_no_anchors(path, "certificate.unreadable");
}

static void note_alert(const SSL *connection, int where, int value)
{
    int *alert = SSL_get_ex_data(connection, 0);
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT)
        *alert = value & 0xff;
}

static SSL *make_side(const struct pki_party *party, X509_STORE *store, int version, int *alert)
{
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_use_certificate(context, party->certificate);
    SSL_CTX_use_PrivateKey(context, party->key);
    SSL_CTX_set_info_callback(context, note_alert);
    if (store) {
        SSL_CTX_set1_verify_cert_store(context, store);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    SSL *side = SSL_new(context);
    SSL_set_ex_data(side, 0, alert);
    SSL_CTX_free(context);
    return side;
}

/* Lets a client with this certificate connect, in memory. The alert it gets; -1: it is admitted. */
static int connect_with(const struct pki_party *client, X509_STORE *store, int version)
{
    struct pki_party server = make_leaf(&authority, "server");
    int alert = -1, unused = -1;
    SSL *from = make_side(client, NULL, version, &alert);
    SSL *to = make_side(&server, store, version, &unused);
    BIO *left = NULL, *right = NULL;
    CU_ASSERT_FATAL(BIO_new_bio_pair(&left, 65536, &right, 65536) == 1);
    SSL_set_bio(from, left, left);
    SSL_set_bio(to, right, right);
    SSL_set_connect_state(from);
    SSL_set_accept_state(to);
    for (int i = 0; i < 6; i++) {
        SSL_do_handshake(from);
        SSL_do_handshake(to);
    }
    char byte;
    SSL_read(from, &byte, 1);
    if (SSL_is_init_finished(to)) {
        CU_ASSERT_EQUAL(SSL_get_verify_result(to), X509_V_OK);
    } else {
        CU_ASSERT_NOT_EQUAL(alert, -1);
    }
    SSL_free(from);
    SSL_free(to);
    pki_free(&server);
    return alert;
}

static void tls_says_by_its_alert_why_a_certificate_is_refused(void)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct pki_party stranger = pki_make(&(struct pki_plan){.name = "stranger", .authority = 1});
    struct pki_party good = make_leaf(&authority, "good"), bad = make_leaf(&authority, "bad"),
                     unlisted = make_leaf(&listless, "unlisted"),
                     foreign = make_leaf(&stranger, "foreign"),
                     old = pki_make(
                         &(struct pki_plan){.name = "old", .issuer = &authority, .not_after = -60});
    write_good_lists(&bad.certificate, 1);
    struct mg_anchors *anchors = open_anchors(lists, MG_STALE_REFUSE);
    X509_STORE *store = mg_anchors_store(anchors);
    /* The store has to be complete without the anchors that it came from. */
    mg_anchors_free(anchors);
    for (size_t i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(connect_with(&good, store, versions[i]), -1);
        CU_ASSERT_EQUAL(connect_with(&unlisted, store, versions[i]), -1);
        CU_ASSERT_EQUAL(connect_with(&bad, store, versions[i]), SSL_AD_CERTIFICATE_REVOKED);
        CU_ASSERT_EQUAL(connect_with(&old, store, versions[i]), SSL_AD_CERTIFICATE_EXPIRED);
        CU_ASSERT_EQUAL(connect_with(&foreign, store, versions[i]), SSL_AD_UNKNOWN_CA);
    }
    X509_STORE_free(store);
    struct pki_party *all[] = {&stranger, &good, &bad, &unlisted, &foreign, &old};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        pki_free(all[i]);
}

static void tls_thinks_of_stale_lists_what_the_configuration_says(void)
{
    struct pki_party leaf = make_leaf(&authority, "leaf");
    char log[sizeof folder + 32];
    snprintf(log, sizeof log, "%s/log", folder);
    pki_write_lists(lists, pki_list(&authority, NULL, 0, -2 * HOUR, -HOUR), NULL);
    for (enum mg_stale_list stale = MG_STALE_REFUSE; stale <= MG_STALE_ACCEPT; stale++) {
        struct mg_anchors *anchors = open_anchors(lists, stale);
        X509_STORE *store = mg_anchors_store(anchors);
        int before = catch_log(log);
        int alert = connect_with(&leaf, store, TLS1_3_VERSION);
        CU_ASSERT_EQUAL(release_log(log, before, "certificate.list-stale"),
                        stale == MG_STALE_ACCEPT);
        CU_ASSERT_EQUAL(alert, stale == MG_STALE_ACCEPT ? -1 : SSL_AD_CERTIFICATE_EXPIRED);
        X509_STORE_free(store);
        mg_anchors_free(anchors);
    }
    pki_free(&leaf);
}

struct reader {
    struct mg_anchors *anchors;
    X509 *certificate;
    atomic_bool *stop;
    atomic_bool good, wrong;
};

static void *check_often(void *context)
{
    struct reader *reader = context;
    while (!atomic_load(reader->stop)) {
        const char *code = check(reader->anchors, reader->certificate, MG_USE_SIGNATURE);
        if (strcmp(code, "good") == 0)
            atomic_store(&reader->good, true);
        else if (strcmp(code, "certificate.revoked") != 0)
            atomic_store(&reader->wrong, true);
    }
    return NULL;
}

static void lists_are_exchanged_while_other_threads_check(void)
{
    struct pki_party leaf = make_leaf(&authority, "leaf");
    atomic_bool stop = false;
    write_good_lists(NULL, 0);
    struct mg_anchors *anchors = open_anchors(lists, MG_STALE_REFUSE);
    struct reader readers[2];
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++) {
        readers[i] = (struct reader){anchors, leaf.certificate, &stop, false, false};
        CU_ASSERT_FATAL(pthread_create(&threads[i], NULL, check_often, &readers[i]) == 0);
    }
    for (size_t i = 1; i <= 22; i++) {
        bool changed = false;
        write_good_lists(&leaf.certificate, i % 2);
        CU_ASSERT(mg_anchors_refresh(anchors, &changed, NULL) && changed);
        CU_ASSERT_STRING_EQUAL(check(anchors, leaf.certificate, MG_USE_SIGNATURE),
                               i % 2 ? "certificate.revoked" : "good");
        usleep(1000);
    }
    for (int64_t i = unit_patience(10000); i > 0 && !(readers[0].good && readers[1].good); i--)
        usleep(1000);
    atomic_store(&stop, true);
    for (size_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        CU_ASSERT_FALSE(readers[i].wrong);
        CU_ASSERT(readers[i].good);
    }
    mg_anchors_free(anchors);
    pki_free(&leaf);
}

static void a_certificate_tells_its_subject_expiry_and_fingerprint(void)
{
    struct pki_party leaf =
        pki_make(&(struct pki_plan){.name = "a, b\n", .issuer = &authority, .not_after = HOUR});
    char text[64], path[sizeof folder + 32];
    mg_certificate_subject(leaf.certificate, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "CN=a\\, b\\0A,O=Prüfstelle,C=DE");
    /* "CN=a\, b\0A,O=Pr" and half of the next letter. */
    mg_certificate_subject(leaf.certificate, text, 18);
    CU_ASSERT_STRING_EQUAL(text, "CN=a\\, b\\0A,O=Pr");
    int64_t expected = mg_clock_now() + HOUR * 1000;
    int64_t expiry = mg_certificate_expiry(leaf.certificate);
    CU_ASSERT(expiry > expected - 10000 && expiry < expected + 10000);

    snprintf(path, sizeof path, "%s/leaf.pem", folder);
    pki_write_certificates(path, leaf.certificate, authority.certificate, NULL);
    X509 *read = mg_certificate_from_file(path, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(read);
    struct mg_fingerprint fingerprint = mg_certificate_fingerprint(read);
    unsigned char expected_digest[32];
    CU_ASSERT(X509_digest(leaf.certificate, EVP_sha256(), expected_digest, NULL) == 1);
    CU_ASSERT(memcmp(fingerprint.bytes, expected_digest, sizeof expected_digest) == 0);
    X509_free(read);
    unlink(path);
    struct mg_error error = {0};
    CU_ASSERT_PTR_NULL(mg_certificate_from_file(path, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "certificate.unreadable");
    pki_free(&leaf);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_certificate_of_a_known_authority_is_good),
        UNIT_TEST(one_of_an_unknown_authority_is_untrusted_even_under_a_known_name),
        UNIT_TEST(a_leaf_is_no_authority),
        UNIT_TEST(a_certificate_counts_only_within_its_validity),
        UNIT_TEST(a_certificate_is_judged_as_of_the_moment_that_is_asked_about),
        UNIT_TEST(a_pinned_certificate_is_good_and_no_other_is),
        UNIT_TEST(a_certificate_counts_only_for_what_it_was_made_for),
        UNIT_TEST(weak_keys_and_digests_are_untrusted),
        UNIT_TEST(a_brainpool_certificate_is_good_for_signatures),
        UNIT_TEST(a_revoked_certificate_is_refused_and_its_neighbour_is_not),
        UNIT_TEST(a_revoked_authority_takes_all_its_certificates_with_it),
        UNIT_TEST(an_issuer_without_a_list_is_not_asked_for_one),
        UNIT_TEST(a_stale_list_refuses_the_certificates_of_its_issuer),
        UNIT_TEST(a_stale_list_goes_on_to_count_if_configured_and_is_warned_of_once),
        UNIT_TEST(what_was_proven_is_remembered_for_its_use_alone),
        UNIT_TEST(what_was_proven_ends_with_the_certificate_and_with_the_list),
        UNIT_TEST(a_new_list_is_picked_up_and_what_was_proven_with_the_old_one_is_forgotten),
        UNIT_TEST(after_a_broken_list_the_old_ones_stay_in_force),
        UNIT_TEST(authorities_and_lists_may_lie_in_folders),
        UNIT_TEST(authorities_without_a_root_or_without_a_certificate_are_refused),
        UNIT_TEST(tls_says_by_its_alert_why_a_certificate_is_refused),
        UNIT_TEST(tls_thinks_of_stale_lists_what_the_configuration_says),
        UNIT_TEST(lists_are_exchanged_while_other_threads_check),
        UNIT_TEST(a_certificate_tells_its_subject_expiry_and_fingerprint),
    };
    if (!mkdtemp(folder))
        return 1;
    snprintf(authorities, sizeof authorities, "%s/authorities.pem", folder);
    snprintf(lists, sizeof lists, "%s/lists.pem", folder);
    root = pki_make(&(struct pki_plan){.name = "root", .authority = 1});
    authority = pki_make(&(struct pki_plan){.name = "authority", .issuer = &root, .authority = 1});
    listless = pki_make(&(struct pki_plan){.name = "listless", .issuer = &root, .authority = 1});
    pki_write_certificates(authorities, root.certificate, authority.certificate,
                           listless.certificate, NULL);
    int status = unit_run("certificate", tests, sizeof tests / sizeof *tests);
    pki_free(&root);
    pki_free(&authority);
    pki_free(&listless);
    unlink(authorities);
    unlink(lists);
    rmdir(folder);
    return status;
}
