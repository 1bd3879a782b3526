#include "tests/unit/net_pki.h"
#include "tests/unit/net_world.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct world world;
static struct peer peer;

static void ask(struct peer *self)
{
    peer_exchange(self, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
}

/* Asks with a certificate and a version of TLS. */
static void ask_as(const char *certificate, int version)
{
    memset(&peer, 0, sizeof peer);
    peer.certificate = certificate;
    peer.version = version;
    peer.script = ask;
    CU_ASSERT(peer_run(&peer, &world));
}

static bool is_answered(const char *certificate, int version)
{
    ask_as(certificate, version);
    return strncmp(peer.reply, "HTTP/1.1 200 OK", 15) == 0;
}

static bool is_refused(const char *certificate, int version, const char *alert)
{
    ask_as(certificate, version);
    bool good = peer.length == 0 && strstr(peer.reason, alert) && world_requests == 0;
    if (!good)
        printf("# %s: %s\n", alert, peer.reason);
    return good;
}

static void both_versions_of_tls_are_served(void)
{
    world_begin(&world, NULL, NULL);
    CU_ASSERT(is_answered("client", TLS1_2_VERSION));
    CU_ASSERT(is_answered("client", TLS1_3_VERSION));
    world_end(&world);
}

static void older_versions_and_weak_suites_are_not(void)
{
    world_begin(&world, NULL, NULL);
    CU_ASSERT_EQUAL(SSL_CTX_get_min_proto_version(world.server_tls), TLS1_2_VERSION);
    STACK_OF(SSL_CIPHER) *suites = SSL_CTX_get_ciphers(world.server_tls);
    CU_ASSERT(sk_SSL_CIPHER_num(suites) >= 7);
    for (int i = 0; i < sk_SSL_CIPHER_num(suites); i++) {
        const SSL_CIPHER *suite = sk_SSL_CIPHER_value(suites, i);
        int exchange = SSL_CIPHER_get_kx_nid(suite);
        CU_ASSERT(SSL_CIPHER_is_aead(suite));
        CU_ASSERT(exchange == NID_kx_ecdhe || exchange == NID_kx_any);
        CU_ASSERT(strstr(SSL_CIPHER_get_name(suite), "AES") != NULL);
    }
    world_end(&world);
}

static void who_shows_no_certificate_is_told_so(void)
{
    world_begin(&world, NULL, NULL);
    CU_ASSERT(is_refused("", TLS1_3_VERSION, "certificate required"));
    CU_ASSERT(is_refused("", TLS1_2_VERSION, "handshake failure"));
    world_end(&world);
}

static void a_certificate_of_another_authority_is_told_so(void)
{
    world_begin(&world, NULL, NULL);
    CU_ASSERT(is_refused("stranger", TLS1_3_VERSION, "unknown ca"));
    CU_ASSERT(is_refused("stranger", TLS1_2_VERSION, "unknown ca"));
    world_end(&world);
}

static void an_expired_certificate_is_told_so(void)
{
    world_begin(&world, NULL, NULL);
    CU_ASSERT(is_refused("expired", TLS1_3_VERSION, "certificate expired"));
    CU_ASSERT(is_refused("expired", TLS1_2_VERSION, "certificate expired"));
    world_end(&world);
}

static void a_revoked_certificate_is_told_so(void)
{
    world_begin(&world, NULL, NULL);
    CU_ASSERT(is_refused("revoked", TLS1_3_VERSION, "certificate revoked"));
    CU_ASSERT(is_refused("revoked", TLS1_2_VERSION, "certificate revoked"));
    world_end(&world);
}

static void a_new_store_counts_for_the_next_connection(void)
{
    struct pki_authority unknown;
    world_begin(&world, NULL, NULL);
    pki_authority(&unknown, "Unknown Authority");
    CU_ASSERT(is_answered("client", 0));
    X509_STORE *store = pki_store(&unknown, 0);
    mg_tls_set_store(world.server_tls, store);
    world_requests = 0;
    CU_ASSERT(is_refused("client", 0, "unknown ca"));
    X509_STORE_free(store);
    pki_authority_free(&unknown);
    world_end(&world);
}

static void ask_with_ticket(struct peer *self)
{
    /* A session that could be resumed would skip the revocation list. */
    if (!peer_connect(self) || !peer_say(self, "GET / HTTP/1.1\r\nHost: a\r\n\r\n") ||
        !peer_hear(self, "HTTP/1.1 200"))
        return;
    const SSL_SESSION *session = SSL_get0_session(self->ssl);
    snprintf(self->reason, sizeof self->reason, "%s",
             SSL_SESSION_has_ticket(session) ? "ticket" : "none");
}

static void no_session_can_be_resumed(void)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    world_begin(&world, NULL, NULL);
    for (int i = 0; i < 2; i++) {
        memset(&peer, 0, sizeof peer);
        peer.version = versions[i];
        peer.script = ask_with_ticket;
        CU_ASSERT(peer_run(&peer, &world));
        CU_ASSERT_STRING_EQUAL(peer.reason, "none");
    }
    world_end(&world);
}

static void plain_bytes(struct peer *self)
{
    self->plain = true;
    peer_exchange(self, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

static void plain_http_on_a_tls_listener_is_refused(void)
{
    world_begin(&world, NULL, NULL);
    memset(&peer, 0, sizeof peer);
    peer.script = plain_bytes;
    CU_ASSERT(peer_run(&peer, &world));
    CU_ASSERT_EQUAL(world_requests, 0);
    CU_ASSERT(peer.closed);
    world_end(&world);
}

/* ---- what a handler sees of the certificate ---- */

static char seen_subject[256];
static uint8_t seen_fingerprint[32];
static int values, releases;

static void release_value(void *value)
{
    releases++;
    free(value);
}

static void look(struct mg_http_request *request, const struct mg_http_head *head, void *context)
{
    (void)head;
    (void)context;
    X509 *certificate = mg_http_request_certificate(request);
    X509_NAME_oneline(X509_get_subject_name(certificate), seen_subject, sizeof seen_subject);
    memcpy(seen_fingerprint, mg_http_request_fingerprint(request), 32);
    if (!mg_http_request_connection_value(request)) {
        values++;
        mg_http_request_set_connection_value(request, calloc(1, 10), release_value);
    }
    mg_http_request_answer(request, 204, NULL, 0, NULL, 0);
}

static void a_handler_sees_the_certificate_and_keeps_a_value_with_the_connection(void)
{
    static const struct mg_http_handler handler = {.on_head = look};
    uint8_t expected[32];
    values = releases = 0;
    world_begin(&world, NULL, &handler);
    for (int i = 0; i < 3; i++) {
        struct outcome outcome = {0};
        CU_ASSERT(world_call_and_wait(&world, "GET", "/", 0, &outcome));
        CU_ASSERT_EQUAL(outcome.status, 204);
    }
    X509_digest(SSL_CTX_get0_certificate(world.client_tls), EVP_sha256(), expected, NULL);
    CU_ASSERT_STRING_EQUAL(seen_subject, "/CN=client");
    CU_ASSERT(memcmp(seen_fingerprint, expected, 32) == 0);
    CU_ASSERT_EQUAL(values, 1);
    CU_ASSERT_EQUAL(releases, 0);
    world_end(&world);
    CU_ASSERT_EQUAL(releases, 1);
}

/* ---- certificates that several connections show ---- */

static X509 *shown[4]; /* what the handler saw of the requests, one after the other */
static uint8_t fingerprints[4][32];
static int shown_count;

static void remember(struct mg_http_request *request, const struct mg_http_head *head,
                     void *context)
{
    (void)head;
    (void)context;
    shown[shown_count] = mg_http_request_certificate(request);
    memcpy(fingerprints[shown_count++], mg_http_request_fingerprint(request), 32);
    mg_http_request_answer(request, 200, NULL, 0, NULL, 0);
}

/* Connections that stay open beyond a script. */
static struct peer staying[4];

static bool ask_and_stay(int number, const struct peer *self, const char *certificate)
{
    struct peer *one = &staying[number];
    *one = (struct peer){.world = self->world,
                         .port = self->port,
                         .version = self->version,
                         .certificate = certificate};
    return peer_connect(one) && peer_say(one, "GET / HTTP/1.1\r\nHost: a\r\n\r\n") &&
           peer_hear(one, "HTTP/1.1 200");
}

/* The first one goes while the second still uses the certificate that both showed. */
static void come_and_go(struct peer *self)
{
    if (ask_and_stay(0, self, "client") && ask_and_stay(1, self, "client")) {
        peer_close(&staying[0]);
        if (ask_and_stay(2, self, "elsewhere"))
            ask_and_stay(3, self, "client");
    }
    for (int i = 0; i < 4; i++)
        peer_close(&staying[i]);
}

static void connections_with_the_same_certificate_share_one_object(void)
{
    static const struct mg_http_handler handler = {.on_head = remember};
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (int i = 0; i < 2; i++) {
        shown_count = 0;
        world_begin(&world, NULL, &handler);
        memset(&peer, 0, sizeof peer);
        peer.version = versions[i];
        peer.script = come_and_go;
        CU_ASSERT(peer_run(&peer, &world));
        CU_ASSERT_EQUAL(shown_count, 4);
        CU_ASSERT_PTR_NOT_NULL(shown[0]);
        CU_ASSERT_PTR_EQUAL(shown[1], shown[0]);
        CU_ASSERT_PTR_NOT_EQUAL(shown[2], shown[0]);
        CU_ASSERT_PTR_EQUAL(shown[3], shown[0]);
        CU_ASSERT(memcmp(fingerprints[1], fingerprints[0], 32) == 0);
        CU_ASSERT(memcmp(fingerprints[2], fingerprints[0], 32) != 0);
        CU_ASSERT(memcmp(fingerprints[3], fingerprints[0], 32) == 0);
        world_end(&world);
    }
}

static void stay(struct peer *self)
{
    ask_and_stay(0, self, "client");
}

static void ask_again(struct peer *self)
{
    peer_forget(&staying[0]);
    if (peer_say(&staying[0], "GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
        self->closed = !peer_hear(&staying[0], "HTTP/1.1 200");
    peer_close(&staying[0]);
}

static void a_certificate_that_another_connection_showed_is_verified_all_the_same(void)
{
    world_begin(&world, NULL, NULL);
    memset(&peer, 0, sizeof peer);
    peer.script = stay;
    CU_ASSERT(peer_run(&peer, &world));
    CU_ASSERT_EQUAL(world_requests, 1);
    X509_STORE *store = X509_STORE_new();
    mg_tls_set_store(world.server_tls, store);
    X509_STORE_free(store);
    world_requests = 0;
    CU_ASSERT(is_refused("client", TLS1_2_VERSION, "unknown ca"));
    CU_ASSERT(is_refused("client", TLS1_3_VERSION, "unknown ca"));
    memset(&peer, 0, sizeof peer);
    peer.script = ask_again;
    CU_ASSERT(peer_run(&peer, &world));
    CU_ASSERT_EQUAL(world_requests, 1);
    CU_ASSERT_FALSE(peer.closed);
    world_end(&world);
}

/* ---- whom our client trusts ---- */

/* Exchanges the server for one with this certificate. */
static void serve_as(const char *name)
{
    struct mg_error error;
    SSL_CTX *tls = world_tls(&world, true, name, NULL);
    struct mg_http_server_options options = {.name = "test",
                                             .address = "127.0.0.1:0",
                                             .tls = tls,
                                             .limits = world.limits,
                                             .handler = world.handler,
                                             .context = &world};
    mg_http_server_free(world.server);
    world.server = mg_http_server_new(world.base, &options, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(world.server);
    SSL_CTX_free(tls);
    snprintf(world.url, sizeof world.url, "https://localhost:%d",
             mg_http_server_port(world.server));
}

static struct outcome call_server(const char *name)
{
    struct outcome outcome = {0};
    world_begin(&world, NULL, NULL);
    serve_as(name);
    world_call_and_wait(&world, "GET", "/", 0, &outcome);
    world_end(&world);
    return outcome;
}

static void a_server_of_another_name_is_refused(void)
{
    CU_ASSERT_STRING_EQUAL(call_server("elsewhere").code, "net.host-name");
}

static void the_common_name_counts_for_nothing(void)
{
    CU_ASSERT_STRING_EQUAL(call_server("localhost").code, "net.host-name");
}

static void a_server_that_is_not_trusted_is_refused_with_the_reason(void)
{
    struct outcome outcome = call_server("stranger");
    CU_ASSERT_STRING_EQUAL(outcome.code, "net.tls");
    CU_ASSERT(strstr(outcome.text, "unable to get local issuer certificate") != NULL);
    outcome = call_server("expired");
    CU_ASSERT_STRING_EQUAL(outcome.code, "net.tls");
    CU_ASSERT(strstr(outcome.text, "expired") != NULL);
    outcome = call_server("revoked");
    CU_ASSERT_STRING_EQUAL(outcome.code, "net.tls");
    CU_ASSERT(strstr(outcome.text, "revoked") != NULL);
}

static void an_address_is_looked_for_among_the_addresses(void)
{
    struct outcome outcome = {0}, other = {0};
    char url[64];
    world_begin(&world, NULL, NULL);
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", mg_http_server_port(world.server));
    CU_ASSERT(world_call_and_wait(&world, "GET", url, 0, &outcome));
    serve_as("elsewhere");
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", mg_http_server_port(world.server));
    CU_ASSERT_FALSE(world_call_and_wait(&world, "GET", url, 0, &other));
    CU_ASSERT_STRING_EQUAL(other.code, "net.host-name");
    world_end(&world);
}

static void a_client_that_the_server_refuses_reads_the_alert(void)
{
    struct outcome outcome = {0};
    world_begin(&world, NULL, NULL);
    SSL_CTX *tls = world_tls(&world, false, "revoked", NULL);
    world_new_client(&world, tls, NULL);
    CU_ASSERT_FALSE(world_call_and_wait(&world, "POST", "/count", 7000, &outcome));
    CU_ASSERT_STRING_EQUAL(outcome.code, "net.tls");
    CU_ASSERT(strstr(outcome.text, "certificate revoked") != NULL);
    SSL_CTX_free(tls);
    world_end(&world);
}

/* ---- files ---- */

static void certificate_and_key_have_to_be_there_and_fit(void)
{
    struct mg_error error = {0};
    char server[128], server_key[128], client_key[128];
    world_begin(&world, NULL, NULL);
    snprintf(server, sizeof server, "%s/server.pem", world.folder);
    snprintf(server_key, sizeof server_key, "%s/server.key", world.folder);
    snprintf(client_key, sizeof client_key, "%s/client.key", world.folder);
    CU_ASSERT_PTR_NULL(mg_tls_server("/nowhere", server_key, world.store, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "tls.certificate");
    CU_ASSERT_PTR_NULL(mg_tls_client(server, "/nowhere", world.store, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "tls.key");
    CU_ASSERT_PTR_NULL(mg_tls_server(server, client_key, world.store, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "tls.mismatch");
    CU_ASSERT_PTR_NULL(mg_tls_server(server, server, world.store, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "tls.key");
    world_end(&world);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(both_versions_of_tls_are_served),
        UNIT_TEST(older_versions_and_weak_suites_are_not),
        UNIT_TEST(who_shows_no_certificate_is_told_so),
        UNIT_TEST(a_certificate_of_another_authority_is_told_so),
        UNIT_TEST(an_expired_certificate_is_told_so),
        UNIT_TEST(a_revoked_certificate_is_told_so),
        UNIT_TEST(a_new_store_counts_for_the_next_connection),
        UNIT_TEST(no_session_can_be_resumed),
        UNIT_TEST(plain_http_on_a_tls_listener_is_refused),
        UNIT_TEST(a_handler_sees_the_certificate_and_keeps_a_value_with_the_connection),
        UNIT_TEST(connections_with_the_same_certificate_share_one_object),
        UNIT_TEST(a_certificate_that_another_connection_showed_is_verified_all_the_same),
        UNIT_TEST(a_server_of_another_name_is_refused),
        UNIT_TEST(the_common_name_counts_for_nothing),
        UNIT_TEST(a_server_that_is_not_trusted_is_refused_with_the_reason),
        UNIT_TEST(an_address_is_looked_for_among_the_addresses),
        UNIT_TEST(a_client_that_the_server_refuses_reads_the_alert),
        UNIT_TEST(certificate_and_key_have_to_be_there_and_fit),
    };
    return unit_run("net tls", tests, sizeof tests / sizeof *tests);
}
