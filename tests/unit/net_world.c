#include "tests/unit/net_world.h"

#include "gateway/base/clock.h"
#include "tests/unit/net_pki.h"
#include "tests/unit/unit.h"

#include <malloc.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Made once for each program. */
static struct pki_authority authority, other_authority;

static const char *const files[] = {"server",   "client",    "revoked",  "expired",
                                    "stranger", "elsewhere", "localhost"};

static void make_certificates(const char *folder)
{
    static const char local[] = "DNS:localhost,IP:127.0.0.1";
    if (!authority.certificate) {
        pki_authority(&authority, "Test Authority");
        pki_authority(&other_authority, "Other Authority");
    }
    pki_leaf(&authority, folder, "server", local, 2, 3600);
    pki_leaf(&authority, folder, "client", "DNS:client.example", 3, 3600);
    pki_leaf(&authority, folder, "revoked", local, 4, 3600);
    pki_leaf(&authority, folder, "expired", local, 5, -3600);
    pki_leaf(&other_authority, folder, "stranger", local, 6, 3600);
    pki_leaf(&authority, folder, "elsewhere", "DNS:elsewhere.example", 7, 3600);
    pki_leaf(&authority, folder, "localhost", "DNS:elsewhere.example", 8, 3600);
}

static void remove_certificates(const char *folder)
{
    char path[256];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s.pem", folder, files[i]);
        unlink(path);
        snprintf(path, sizeof path, "%s/%s.key", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
}

SSL_CTX *world_tls(const struct world *world, bool server, const char *name, X509_STORE *store)
{
    struct mg_error error;
    char certificate[128], key[128];
    snprintf(certificate, sizeof certificate, "%s/%s.pem", world->folder, name);
    snprintf(key, sizeof key, "%s/%s.key", world->folder, name);
    if (!store)
        store = world->store;
    SSL_CTX *context = server ? mg_tls_server(certificate, key, store, &error)
                              : mg_tls_client(certificate, key, store, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    return context;
}

void world_new_client(struct world *world, SSL_CTX *tls, const char *proxy)
{
    struct mg_http_client_options options = {
        .tls = tls, .dns = world->dns, .proxy = proxy, .limits = world->limits};
    mg_http_client_free(world->client);
    world->client = mg_http_client_new(world->base, &options);
}

void world_begin(struct world *world, const struct mg_http_limits *limits,
                 const struct mg_http_handler *handler)
{
    static const struct mg_http_handler usual = {.on_head = world_on_head};
    struct mg_error error = {0};
    *world = (struct world){.handler = handler ? *handler : usual};
    if (limits)
        world->limits = *limits;
    strcpy(world->folder, "/tmp/muengsten-net-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(world->folder));
    make_certificates(world->folder);
    world->store = pki_store(&authority, 4);
    world->base = event_base_new();
    world->dns = evdns_base_new(world->base, 0);
    evdns_base_load_hosts(world->dns, "/etc/hosts");
    world->server_tls = world_tls(world, true, "server", NULL);
    world->client_tls = world_tls(world, false, "client", NULL);
    struct mg_http_server_options options = {.name = "test",
                                             .address = "127.0.0.1:0",
                                             .tls = world->server_tls,
                                             .limits = world->limits,
                                             .handler = world->handler,
                                             .context = world};
    world->server = mg_http_server_new(world->base, &options, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(world->server);
    snprintf(world->url, sizeof world->url, "https://localhost:%d",
             mg_http_server_port(world->server));
    world_new_client(world, world->client_tls, NULL);
    world_aborts = world_requests = 0;
}

void world_end(struct world *world)
{
    mg_http_client_free(world->client);
    mg_http_server_free(world->server);
    SSL_CTX_free(world->server_tls);
    SSL_CTX_free(world->client_tls);
    X509_STORE_free(world->store);
    world_run(world, 20);
    evdns_base_free(world->dns, 0);
    event_base_free(world->base);
    remove_certificates(world->folder);
}

/* ---- the loop ---- */

size_t world_memory(void)
{
    struct mallinfo2 memory = mallinfo2();
    return memory.uordblks + memory.hblkhd;
}

static void on_tick(evutil_socket_t none, short what, void *context)
{
    struct world *world = context;
    size_t memory = world_memory();
    (void)none;
    (void)what;
    if (memory > world->most_memory)
        world->most_memory = memory;
}

/* Until one of both, if there is one, is so. */
static void run(struct world *world, const bool *flag, bool (*is_so)(const struct world *world),
                int64_t milliseconds)
{
    const struct timeval tick = {.tv_usec = 5000};
    struct event *timer = event_new(world->base, -1, EV_PERSIST, on_tick, world);
    int64_t end = mg_clock_monotonic() + milliseconds * 1000;
    event_add(timer, &tick);
    do {
        event_base_loop(world->base, EVLOOP_ONCE);
        world->rounds++;
    } while (mg_clock_monotonic() < end && !(flag && __atomic_load_n(flag, __ATOMIC_ACQUIRE)) &&
             !(is_so && is_so(world)));
    event_free(timer);
}

bool world_run_until(struct world *world, const bool *flag, int milliseconds)
{
    run(world, flag, NULL, unit_patience(milliseconds));
    return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

bool world_wait(struct world *world, bool (*is_so)(const struct world *world))
{
    run(world, NULL, is_so, unit_patience(10000));
    return is_so(world);
}

void world_run(struct world *world, int milliseconds)
{
    run(world, NULL, NULL, milliseconds);
}

/* ---- the handler ---- */

int world_aborts, world_requests;

bool world_one_aborted(const struct world *world)
{
    (void)world;
    return world_aborts > 0;
}

bool world_one_requested(const struct world *world)
{
    (void)world;
    return world_requests > 0;
}

bool world_is_deserted(const struct world *world)
{
    return mg_http_server_connections(world->server) == 0;
}

#define BIG (20 * 1000 * 1000)

struct taken {
    int64_t received;
    int64_t sent;
    bool echo;
    bool ended;
    bool answer_later;
};

static void answer_text(struct mg_http_request *request, int status, const char *text)
{
    static const struct mg_http_header header = {"Content-Type", "text/plain"};
    mg_http_request_answer(request, status, &header, 1, text, strlen(text));
}

static void on_data(struct mg_http_request *request, const void *bytes, size_t length,
                    void *context)
{
    struct taken *taken = context;
    taken->received += (int64_t)length;
    if (taken->echo && !mg_http_request_answer_write(request, bytes, length))
        mg_http_request_pause(request);
}

static void on_end(struct mg_http_request *request, void *context)
{
    struct taken *taken = context;
    char text[32];
    taken->ended = true;
    if (taken->answer_later)
        return;
    if (taken->echo) {
        mg_http_request_answer_end(request);
    } else {
        snprintf(text, sizeof text, "%lld", (long long)taken->received);
        answer_text(request, 200, text);
    }
    free(taken);
}

static void on_abort(struct mg_http_request *request, void *context)
{
    (void)request;
    world_aborts++;
    free(context);
}

static void on_writable(struct mg_http_request *request, void *context)
{
    static const char piece[10000];
    struct taken *taken = context;
    if (taken->echo) {
        mg_http_request_resume(request);
        return;
    }
    while (taken->sent < BIG) {
        taken->sent += (int64_t)sizeof piece;
        if (!mg_http_request_answer_write(request, piece, sizeof piece))
            return;
    }
    mg_http_request_answer_end(request);
    free(taken);
}

void world_on_head(struct mg_http_request *request, const struct mg_http_head *head, void *context)
{
    static const struct mg_http_request_events events = {
        .on_data = on_data, .on_end = on_end, .on_abort = on_abort, .on_writable = on_writable};
    (void)context;
    world_requests++;
    bool big = strcmp(head->target, "/big") == 0;
    if (strcmp(head->target, "/refuse") == 0) {
        answer_text(request, 403, "no");
    } else if (strcmp(head->method, "POST") != 0 && !big) {
        answer_text(request, 200, head->target);
    } else {
        struct taken *taken = calloc(1, sizeof *taken);
        taken->echo = strcmp(head->target, "/echo") == 0;
        taken->answer_later = big || strcmp(head->target, "/never") == 0;
        mg_http_request_take(request, &events, strcmp(head->target, "/small") == 0 ? 100 : -1,
                             taken);
        if (big || taken->echo)
            mg_http_request_answer_begin(request, 200, NULL, 0);
    }
}

/* ---- calls ---- */

char pattern_at(int64_t offset)
{
    return (char)('a' + offset % 23);
}

static ssize_t call_body(struct mg_http_call *call, int64_t offset, void *bytes, size_t size,
                         void *context)
{
    struct outcome *outcome = context;
    (void)call;
    if (outcome->stop_at && offset >= outcome->stop_at)
        return -1;
    int64_t left = outcome->length - offset;
    size_t length = left < (int64_t)size ? (size_t)left : size;
    for (size_t i = 0; i < length; i++)
        ((char *)bytes)[i] = pattern_at(offset + (int64_t)i);
    outcome->sent = offset + (int64_t)length;
    return (ssize_t)length;
}

static void call_response(struct mg_http_call *call, const struct mg_http_head *head, void *context)
{
    struct outcome *outcome = context;
    (void)call;
    outcome->status = head->status;
}

static void on_slow(evutil_socket_t none, short what, void *context)
{
    struct outcome *outcome = context;
    (void)none;
    (void)what;
    if (!outcome->done)
        mg_http_call_resume(outcome->call);
}

static void call_data(struct mg_http_call *call, const void *bytes, size_t length, void *context)
{
    static const struct timeval pause = {.tv_usec = 200};
    struct outcome *outcome = context;
    const char *letters = bytes;
    for (size_t i = 0; outcome->check && i < length; i++)
        outcome->wrong = outcome->wrong || letters[i] != pattern_at(outcome->received + (int64_t)i);
    for (size_t i = 0; i < length; i++)
        if (outcome->received + (int64_t)i < (int64_t)sizeof outcome->body - 1)
            outcome->body[outcome->received + (int64_t)i] = letters[i];
    outcome->received += (int64_t)length;
    if (outcome->pauses) {
        mg_http_call_pause(call);
        event_base_once(outcome->world->base, -1, EV_TIMEOUT, on_slow, outcome, &pause);
    }
}

static void call_done(struct mg_http_call *call, const struct mg_error *error, void *context)
{
    struct outcome *outcome = context;
    (void)call;
    outcome->done = true;
    if (error) {
        strcpy(outcome->code, error->code);
        strcpy(outcome->text, error->text);
    }
}

struct mg_http_call *world_call(struct world *world, const char *method, const char *url,
                                int64_t length, struct outcome *outcome)
{
    static const struct mg_http_call_events events = {.on_body = call_body,
                                                      .on_response = call_response,
                                                      .on_data = call_data,
                                                      .on_done = call_done};
    struct mg_error error = {0};
    struct mg_http_call_options options = {.method = method, .url = url, .length = length};
    if (length >= 0)
        outcome->length = length;
    outcome->world = world;
    outcome->call = mg_http_call(world->client, &options, &events, outcome, &error);
    strcpy(outcome->code, error.code);
    return outcome->call;
}

bool world_call_and_wait(struct world *world, const char *method, const char *path, int64_t length,
                         struct outcome *outcome)
{
    char url[256];
    snprintf(url, sizeof url, "%s%s", path[0] == '/' ? world->url : "", path);
    return world_call(world, method, url, length, outcome) &&
           world_run_until(world, &outcome->done, 30000) && !outcome->code[0];
}
