#include "tests/unit/net_world.h"
#include "tests/unit/unit.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct world world;
static struct peer peer;

static void begin(const struct mg_http_limits *limits)
{
    world_begin(&world, limits, NULL);
    memset(&peer, 0, sizeof peer);
}

static void run(void (*script)(struct peer *peer))
{
    peer.script = script;
    CU_ASSERT(peer_run(&peer, &world));
}

static bool replied(const char *text)
{
    return strstr(peer.reply, text) != NULL;
}

static int count(const char *text)
{
    int number = 0;
    for (const char *at = peer.reply; (at = strstr(at, text)); at++)
        number++;
    return number;
}

/* ---- requests ---- */

static void two_requests(struct peer *self)
{
    if (peer_connect(self) && peer_say(self, "GET /one HTTP/1.1\r\nHost: a\r\n\r\n") &&
        peer_hear(self, "/one") &&
        peer_say(self, "GET /two HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
        peer_hear(self, NULL);
}

static void a_connection_is_kept_until_one_side_closes_it(void)
{
    begin(NULL);
    run(two_requests);
    CU_ASSERT_EQUAL(count("HTTP/1.1 200 OK\r\n"), 2);
    CU_ASSERT_EQUAL(count("Connection: close\r\n"), 1);
    CU_ASSERT(replied("/two"));
    CU_ASSERT(peer.closed);
    world_end(&world);
}

static void pipelined(struct peer *self)
{
    peer_exchange(self, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
                        "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                        "POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3\r\nabc\r\n4;x\r\ndefg\r\n0\r\n\r\n"
                        "GET /4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                        "GET /never-seen HTTP/1.1\r\nHost: a\r\n\r\n");
}

static void pipelined_requests_are_answered_one_after_the_other(void)
{
    begin(NULL);
    run(pipelined);
    CU_ASSERT_EQUAL(count("HTTP/1.1 200 OK\r\n"), 4);
    const char *five = strstr(peer.reply, "\r\n\r\n5"), *seven = strstr(peer.reply, "\r\n\r\n7");
    CU_ASSERT(five && seven && five < seven);
    CU_ASSERT(replied("\r\n\r\n/4"));
    CU_ASSERT_FALSE(replied("never-seen"));
    CU_ASSERT_EQUAL(world_requests, 4);
    world_end(&world);
}

static void head_request(struct peer *self)
{
    peer_exchange(self, "HEAD /abc HTTP/1.1\r\nHost: a\r\n\r\n"
                        "GET /def HTTP/1.0\r\n\r\n");
}

static void head_gets_no_body_and_http_1_0_is_answered_and_closed(void)
{
    begin(NULL);
    run(head_request);
    CU_ASSERT_EQUAL(count("Content-Length: 4\r\n"), 2);
    CU_ASSERT_EQUAL(count("\r\n\r\nHTTP/1.1 200"), 1);
    CU_ASSERT(replied("\r\n\r\n/def"));
    CU_ASSERT(peer.closed);
    world_end(&world);
}

static void expecting(struct peer *self)
{
    if (!peer_connect(self) ||
        !peer_say(self, "POST /count HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                        "Connection: close\r\nContent-Length: 5\r\n\r\n") ||
        !peer_hear(self, "HTTP/1.1 100 Continue\r\n\r\n"))
        return;
    if (peer_say(self, "hello"))
        peer_hear(self, NULL);
}

static void who_expects_to_continue_is_told_to_when_the_request_is_taken(void)
{
    begin(NULL);
    run(expecting);
    CU_ASSERT(replied("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"));
    CU_ASSERT(replied("\r\n\r\n5"));
    world_end(&world);
}

static void expecting_in_vain(struct peer *self)
{
    peer_exchange(self, "POST /refuse HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                        "Content-Length: 5\r\n\r\n");
}

static void who_is_refused_is_not_told_to_continue(void)
{
    begin(NULL);
    run(expecting_in_vain);
    CU_ASSERT_EQUAL(strncmp(peer.reply, "HTTP/1.1 403 Forbidden\r\n", 24), 0);
    CU_ASSERT_FALSE(replied("100 Continue"));
    CU_ASSERT(replied("Connection: close"));
    world_end(&world);
}

static void refused_with_much(struct peer *self)
{
    static char bytes[1000 * 1000];
    /* All of it has to come while the server still lingers. */
    const size_t length = unit_amount(sizeof bytes, 100 * 1000);
    char head[128];
    snprintf(head, sizeof head, "POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
             3 * length);
    if (!peer_connect(self) || !peer_say(self, head))
        return;
    for (int i = 0; i < 3; i++)
        if (!peer_send(self, bytes, length))
            break;
    peer_hear(self, NULL);
}

static void who_is_refused_can_read_why_even_after_sending_much(void)
{
    begin(NULL);
    run(refused_with_much);
    CU_ASSERT(replied("HTTP/1.1 403 Forbidden\r\n"));
    CU_ASSERT(replied("\r\n\r\nno"));
    CU_ASSERT_FALSE(peer.reset);
    world_end(&world);
}

static void refused_shortly(struct peer *self)
{
    peer_exchange(self, "POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                        "GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
}

static void a_short_body_that_nobody_wants_is_read_over(void)
{
    begin(NULL);
    run(refused_shortly);
    CU_ASSERT(replied("HTTP/1.1 403"));
    CU_ASSERT(replied("\r\n\r\n/next"));
    world_end(&world);
}

/* ---- refusals ---- */

struct refusal {
    const char *request;
    const char *status;
    const char *code;
};

static const struct refusal *refusal;

static void be_refused(struct peer *self)
{
    peer_exchange(self, refusal->request);
}

/* head_time 0: the usual one. */
static bool is_refused_in(int64_t head_time, const struct refusal *expected)
{
    char first[64], code[64];
    begin(
        &(struct mg_http_limits){.head = 512, .headers = 8, .body = 1000, .head_time = head_time});
    refusal = expected;
    run(be_refused);
    snprintf(first, sizeof first, "HTTP/1.1 %s ", expected->status);
    snprintf(code, sizeof code, "\"code\":\"%s\"", expected->code);
    bool good = strncmp(peer.reply, first, strlen(first)) == 0 && replied(code) &&
                replied("Content-Type: application/problem+json\r\n") &&
                replied("Connection: close\r\n") && peer.closed && world_requests <= 1;
    if (!good)
        printf("# %s: %s\n", expected->code, peer.reply);
    world_end(&world);
    return good;
}

static bool is_refused(const struct refusal *expected)
{
    return is_refused_in(0, expected);
}

#define P "POST /count HTTP/1.1\r\nHost: a\r\n"

static void what_http_forbids_is_answered_with_its_code_and_closed(void)
{
    static const struct refusal refusals[] = {
        {"GET / HTTP/1.1\n\n", "400", "http.malformed"},
        {"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", "400", "http.malformed"},
        {"GET / HTTP/1.1\r\n\r\n", "400", "http.malformed"},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505", "http.version"},
        {P "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nSMUGGLED", "400",
         "http.both-framings"},
        {P "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "400", "http.two-lengths"},
        {P "Transfer-Encoding: gzip\r\n\r\n", "501", "http.transfer-encoding"},
        {P "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", "400", "http.chunk"},
        {P "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloo\r\n", "400", "http.chunk"},
        {P "Content-Length: 1001\r\n\r\n", "413", "http.body-too-large"},
        {P "Content-Length: 99999999999999999999\r\n\r\n", "413", "http.body-too-large"},
        {"POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n", "413",
         "http.body-too-large"},
        {P "Expect: a-miracle\r\nContent-Length: 1\r\n\r\n", "417", "http.expectation"},
    };
    static const struct refusal half = {"GET / HTTP/1.1\r\nHost: a\r\n", "408", "http.too-slow"};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        CU_ASSERT(is_refused(&refusals[i]));
    CU_ASSERT(is_refused_in(300, &half));
}

static void what_is_too_large_is_answered_with_its_code_and_closed(void)
{
    char text[4096] = "GET /";
    memset(text + 5, 'a', 3000);
    CU_ASSERT(is_refused(&(struct refusal){text, "414", "http.head-too-large"}));
    snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\nX: %0*d\r\n\r\n", 3000, 0);
    CU_ASSERT(is_refused(&(struct refusal){text, "431", "http.head-too-large"}));
    strcpy(text, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 8; i++)
        strcat(text, "X: y\r\n");
    strcat(text, "\r\n");
    CU_ASSERT(is_refused(&(struct refusal){text, "431", "http.head-too-large"}));
    snprintf(text, sizeof text, P "Transfer-Encoding: chunked\r\n\r\n3e9\r\n%0*d", 1001, 0);
    CU_ASSERT(is_refused(&(struct refusal){text, "413", "http.body-too-large"}));
    CU_ASSERT_EQUAL(world_aborts, 1);
}

static void smuggling(struct peer *self)
{
    peer_exchange(self, "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 42\r\n"
                        "Connection: close\r\n\r\n"
                        "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n1234567");
}

static void a_request_smuggled_in_a_body_is_a_body(void)
{
    begin(NULL);
    run(smuggling);
    CU_ASSERT_EQUAL(world_requests, 1);
    CU_ASSERT(replied("\r\n\r\n42"));
    world_end(&world);
}

/* ---- time ---- */

static bool is_answered_within(const struct peer *self, int milliseconds)
{
    struct pollfd answer = {.fd = self->socket, .events = POLLIN};
    return poll(&answer, 1, milliseconds) > 0;
}

static void byte_by_byte_head(struct peer *self)
{
    static const char head[] = "GET / HTTP/1.1\r\nHost: a\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    if (!peer_connect(self))
        return;
    for (size_t i = 0; i < sizeof head - 1 && !is_answered_within(self, 10); i++)
        if (!peer_send(self, head + i, 1))
            break;
    peer_hear(self, NULL);
}

static void a_head_that_drips_is_ended_by_its_time(void)
{
    begin(&(struct mg_http_limits){.head_time = 300});
    run(byte_by_byte_head);
    CU_ASSERT(replied("HTTP/1.1 408"));
    CU_ASSERT(replied("http.too-slow"));
    world_end(&world);
}

static void byte_by_byte_body(struct peer *self)
{
    if (!peer_connect(self) ||
        !peer_say(self, "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"))
        return;
    for (int i = 0; i < 90 && !is_answered_within(self, 10); i++)
        if (!peer_send(self, "x", 1))
            break;
    peer_hear(self, NULL);
}

static void a_body_that_drips_is_ended_by_its_rate(void)
{
    begin(&(struct mg_http_limits){.body_pause = 400, .body_rate = 500});
    run(byte_by_byte_body);
    CU_ASSERT(replied("HTTP/1.1 408"));
    CU_ASSERT(replied("http.too-slow"));
    CU_ASSERT_EQUAL(world_aborts, 1);
    world_end(&world);
}

static void half_a_body(struct peer *self)
{
    peer_exchange(self, "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf");
}

static void a_body_that_stops_is_ended_by_its_pause(void)
{
    begin(&(struct mg_http_limits){.body_pause = 200});
    run(half_a_body);
    CU_ASSERT(replied("HTTP/1.1 408"));
    CU_ASSERT_EQUAL(world_aborts, 1);
    world_end(&world);
}

static void half_a_body_and_gone(struct peer *self)
{
    if (peer_connect(self))
        peer_say(self, "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf");
}

static void a_truncated_body_aborts_the_request(void)
{
    begin(NULL);
    run(half_a_body_and_gone);
    CU_ASSERT(world_wait(&world, world_one_aborted));
    CU_ASSERT(world_wait(&world, world_is_deserted));
    CU_ASSERT_EQUAL(world_aborts, 1);
    world_end(&world);
}

static void say_nothing(struct peer *self)
{
    if (peer_connect(self))
        peer_hear(self, NULL);
}

static void an_idle_connection_is_closed_in_order(void)
{
    begin(&(struct mg_http_limits){.idle_time = 200});
    run(say_nothing);
    CU_ASSERT(peer.closed);
    CU_ASSERT_EQUAL(peer.length, 0);
    world_end(&world);
}

static void connect_only(struct peer *self)
{
    self->plain = true;
    if (peer_connect(self))
        peer_hear(self, NULL);
}

static void who_never_begins_the_handshake_is_ended(void)
{
    begin(&(struct mg_http_limits){.handshake_time = 200});
    run(connect_only);
    CU_ASSERT(peer.closed);
    CU_ASSERT(world_wait(&world, world_is_deserted));
    world_end(&world);
}

static void never_read(struct peer *self)
{
    if (peer_connect(self) && peer_say(self, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n"))
        peer_wait_until_told(self);
}

static void who_never_reads_the_answer_is_ended(void)
{
    begin(&(struct mg_http_limits){.write_pause = 300});
    size_t before = world_memory();
    peer.script = never_read;
    peer_start(&peer, &world);
    CU_ASSERT(world_wait(&world, world_one_aborted));
    CU_ASSERT(world_wait(&world, world_is_deserted));
    CU_ASSERT(world.most_memory <= before + 1000 * 1000);
    peer_tell(&peer);
    CU_ASSERT(peer_wait(&peer));
    CU_ASSERT_EQUAL(world_aborts, 1);
    world_end(&world);
}

/* ---- limits of the listener ---- */

static void ask_late(struct peer *self)
{
    peer_exchange(self, "GET /late HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
}

static bool two_are_connected(const struct world *self)
{
    return mg_http_server_connections(self->server) == 2;
}

static void more_connections_than_allowed_wait_to_be_accepted(void)
{
    static struct peer others[4];
    begin(&(struct mg_http_limits){.connections = 2});
    for (int i = 0; i < 4; i++) {
        others[i] = (struct peer){.port = mg_http_server_port(world.server), .plain = true};
        CU_ASSERT(peer_connect(&others[i]));
    }
    CU_ASSERT(world_wait(&world, two_are_connected));
    world_run(&world, 100);
    CU_ASSERT_EQUAL(mg_http_server_connections(world.server), 2);
    for (int i = 0; i < 4; i++)
        peer_close(&others[i]);
    run(ask_late);
    CU_ASSERT(replied("/late"));
    world_end(&world);
}

static struct peer many[5];

static void as_many_idle_ones_as_allowed(struct peer *self)
{
    static const char request[] = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
    for (int i = 0; i < 5; i++) {
        many[i] = (struct peer){.world = self->world, .port = self->port};
        if (!peer_connect(&many[i]) || !peer_say(&many[i], request) || !peer_hear(&many[i], "/x"))
            return;
    }
    for (int i = 0; i < 5; i++) {
        peer_forget(&many[i]);
        if (peer_say(&many[i], request))
            peer_hear(&many[i], "/x");
    }
    for (int i = 0; i < 5; i++)
        peer_close(&many[i]);
}

static void all_connections_that_a_listener_may_have_may_be_idle(void)
{
    begin(&(struct mg_http_limits){.connections = 5});
    run(as_many_idle_ones_as_allowed);
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_FALSE(many[i].closed);
        CU_ASSERT_PTR_NOT_NULL(strstr(many[i].reply, "/x"));
    }
    CU_ASSERT_EQUAL(world_requests, 10);
    world_end(&world);
}

static bool three_are_connected(const struct world *self)
{
    return mg_http_server_connections(self->server) == 3;
}

static void handshakes_beyond_the_limit_wait_for_their_turn(void)
{
    begin(&(struct mg_http_limits){.connections = 20, .handshake_time = unit_patience(10000)});
    for (int i = 0; i < 2; i++) {
        many[i] = (struct peer){.port = mg_http_server_port(world.server), .plain = true};
        CU_ASSERT(peer_connect(&many[i]) && peer_send(&many[i], "\x16", 1));
    }
    peer.script = ask_late;
    peer_start(&peer, &world);
    CU_ASSERT(world_wait(&world, three_are_connected));
    world_run(&world, 200);
    CU_ASSERT_EQUAL(world_requests, 0);
    peer_close(&many[0]);
    CU_ASSERT(peer_wait(&peer));
    CU_ASSERT(replied("/late"));
    peer_close(&many[1]);
    world_end(&world);
}

static void without_descriptors_accepting_pauses_and_goes_on(void)
{
    struct rlimit old, few;
    begin(NULL);
    getrlimit(RLIMIT_NOFILE, &old);
    peer.socket = socket(AF_INET, SOCK_STREAM, 0);
    int highest = peer.socket;
    close(highest);
    /* One descriptor for the peer, none for the connection on the server's side. */
    few = (struct rlimit){.rlim_cur = (rlim_t)highest + 1, .rlim_max = old.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
    peer.world = &world;
    peer.port = mg_http_server_port(world.server);
    peer.plain = true;
    CU_ASSERT(peer_connect(&peer));
    world.rounds = 0;
    world_run(&world, 600);
    CU_ASSERT_EQUAL(mg_http_server_connections(world.server), 0);
    /* A tick of the world's own every five milliseconds, and little else. */
    CU_ASSERT(world.rounds < 200);
    setrlimit(RLIMIT_NOFILE, &old);
    peer_close(&peer);
    peer = (struct peer){0};
    run(ask_late);
    CU_ASSERT(replied("/late"));
    world_end(&world);
}

/* ---- stopping ---- */

static bool drained;

static void on_drained(struct mg_http_server *server, void *context)
{
    struct world *self = context;
    drained = true;
    mg_http_server_free(server);
    self->server = NULL;
}

static struct mg_http_request *held;
static int held_aborts;

static void on_held_abort(struct mg_http_request *request, void *context)
{
    (void)request;
    (void)context;
    held_aborts++;
}

static void hold(struct mg_http_request *request, const struct mg_http_head *head, void *context)
{
    static const struct mg_http_request_events events = {.on_abort = on_held_abort};
    (void)head;
    (void)context;
    held = request;
    mg_http_request_take(request, &events, -1, NULL);
}

static void ask_while_stopping(struct peer *self)
{
    peer_exchange(self, "GET /last HTTP/1.1\r\nHost: a\r\n\r\n");
}

static bool one_is_held(const struct world *self)
{
    (void)self;
    return held;
}

static void a_stopping_server_finishes_what_runs(void)
{
    static const struct mg_http_handler handler = {.on_head = hold};
    world_begin(&world, NULL, &handler);
    memset(&peer, 0, sizeof peer);
    drained = false;
    held = NULL;
    peer.script = ask_while_stopping;
    peer_start(&peer, &world);
    CU_ASSERT_FATAL(world_wait(&world, one_is_held));
    int port = mg_http_server_port(world.server);
    mg_http_server_stop(world.server, on_drained, &world);
    world_run(&world, 50);
    CU_ASSERT_FALSE(drained);
    /* Whoever looks at the server meanwhile is told where it was. */
    CU_ASSERT_EQUAL(mg_http_server_port(world.server), port);
    mg_http_request_answer(held, 200, NULL, 0, "done", 4);
    CU_ASSERT(peer_wait(&peer));
    CU_ASSERT(replied("Connection: close"));
    CU_ASSERT(replied("\r\n\r\ndone"));
    CU_ASSERT(world_run_until(&world, &drained, 3000));
    world_end(&world);
}

static void be_idle(struct peer *self)
{
    if (peer_connect(self)) {
        peer_reaches(self);
        peer_hear(self, NULL);
    }
}

static void a_stopping_server_closes_idle_connections(void)
{
    begin(NULL);
    drained = false;
    /* In TLS 1.2 it is the server that ends the handshake: the client knows that it is done. */
    peer.version = TLS1_2_VERSION;
    peer.script = be_idle;
    peer_start(&peer, &world);
    CU_ASSERT(world_run_until(&world, &peer.reached, 3000));
    mg_http_server_stop(world.server, on_drained, &world);
    CU_ASSERT(peer_wait(&peer));
    CU_ASSERT(peer.closed);
    CU_ASSERT(world_run_until(&world, &drained, 3000));
    world_end(&world);
}

static void a_freed_server_aborts_what_runs(void)
{
    static const struct mg_http_handler handler = {.on_head = hold};
    world_begin(&world, NULL, &handler);
    struct outcome outcome = {0};
    held = NULL;
    held_aborts = 0;
    char url[160];
    snprintf(url, sizeof url, "%s/x", world.url);
    CU_ASSERT_PTR_NOT_NULL_FATAL(world_call(&world, "GET", url, 0, &outcome));
    CU_ASSERT_FATAL(world_wait(&world, one_is_held));
    mg_http_server_free(world.server);
    world.server = NULL;
    CU_ASSERT_EQUAL(held_aborts, 1);
    CU_ASSERT(world_run_until(&world, &outcome.done, 3000));
    CU_ASSERT_STRING_EQUAL(outcome.code, "net.closed");
    world_end(&world);
}

/* ---- addresses ---- */

static void a_bad_address_is_refused(void)
{
    static const char *const wrong[] = {"localhost:80", "127.0.0.1",       "127.0.0.1:", ":80",
                                        "[::1]",        "127.0.0.1:99999", "*:x",        ""};
    struct event_base *base = event_base_new();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct mg_error error = {0};
        struct mg_http_server_options options = {.name = "test", .address = wrong[i]};
        CU_ASSERT_PTR_NULL(mg_http_server_new(base, &options, &error));
        CU_ASSERT_STRING_EQUAL(error.code, "net.address");
    }
    struct mg_error error = {0};
    struct mg_http_server_options options = {.name = "test", .address = "192.0.2.1:80"};
    CU_ASSERT_PTR_NULL(mg_http_server_new(base, &options, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "net.listen");
    options.address = "*:0";
    struct mg_http_server *server = mg_http_server_new(base, &options, &error);
    CU_ASSERT_PTR_NOT_NULL(server);
    mg_http_server_free(server);
    event_base_free(base);
}

static struct mg_http_server *server_at(struct event_base *base, const char *host, int port,
                                        const struct mg_http_server *beside)
{
    char address[64];
    struct mg_error error = {0};
    snprintf(address, sizeof address, "%s:%d", host, port);
    struct mg_http_server_options options = {.name = "test", .address = address, .beside = beside};
    struct mg_http_server *server = mg_http_server_new(base, &options, &error);
    CU_ASSERT_STRING_EQUAL(error.code, server ? "" : "net.listen");
    return server;
}

static void a_port_is_shared_with_the_server_that_is_to_end_and_nobody_else(void)
{
    static const char *const hosts[] = {"127.0.0.1", "*"};
    struct event_base *base = event_base_new();
    for (size_t i = 0; i < 2; i++) {
        const char *here = hosts[i], *there = hosts[1 - i];
        struct mg_http_server *old = server_at(base, here, 0, NULL);
        struct mg_http_server *other = server_at(base, here, 0, NULL);
        CU_ASSERT_FATAL(old && other);
        int port = mg_http_server_port(old);
        CU_ASSERT_PTR_NULL(server_at(base, there, port, NULL));
        CU_ASSERT_PTR_NULL(server_at(base, there, port, other));
        struct mg_http_server *new = server_at(base, there, port, old);
        CU_ASSERT_PTR_NOT_NULL(new);
        CU_ASSERT_PTR_NULL(server_at(base, here, port, NULL));
        CU_ASSERT_PTR_NULL(server_at(base, here, port, other));
        mg_http_server_free(old);
        CU_ASSERT_PTR_NULL(server_at(base, here, port, NULL));
        mg_http_server_free(new);
        mg_http_server_free(other);
    }
    event_base_free(base);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_connection_is_kept_until_one_side_closes_it),
        UNIT_TEST(pipelined_requests_are_answered_one_after_the_other),
        UNIT_TEST(head_gets_no_body_and_http_1_0_is_answered_and_closed),
        UNIT_TEST(who_expects_to_continue_is_told_to_when_the_request_is_taken),
        UNIT_TEST(who_is_refused_is_not_told_to_continue),
        UNIT_TEST(who_is_refused_can_read_why_even_after_sending_much),
        UNIT_TEST(a_short_body_that_nobody_wants_is_read_over),
        UNIT_TEST(what_http_forbids_is_answered_with_its_code_and_closed),
        UNIT_TEST(what_is_too_large_is_answered_with_its_code_and_closed),
        UNIT_TEST(a_request_smuggled_in_a_body_is_a_body),
        UNIT_TEST(a_head_that_drips_is_ended_by_its_time),
        UNIT_TEST(a_body_that_drips_is_ended_by_its_rate),
        UNIT_TEST(a_body_that_stops_is_ended_by_its_pause),
        UNIT_TEST(a_truncated_body_aborts_the_request),
        UNIT_TEST(an_idle_connection_is_closed_in_order),
        UNIT_TEST(who_never_begins_the_handshake_is_ended),
        UNIT_TEST(who_never_reads_the_answer_is_ended),
        UNIT_TEST(more_connections_than_allowed_wait_to_be_accepted),
        UNIT_TEST(all_connections_that_a_listener_may_have_may_be_idle),
        UNIT_TEST(handshakes_beyond_the_limit_wait_for_their_turn),
        UNIT_TEST(without_descriptors_accepting_pauses_and_goes_on),
        UNIT_TEST(a_stopping_server_finishes_what_runs),
        UNIT_TEST(a_stopping_server_closes_idle_connections),
        UNIT_TEST(a_freed_server_aborts_what_runs),
        UNIT_TEST(a_bad_address_is_refused),
        UNIT_TEST(a_port_is_shared_with_the_server_that_is_to_end_and_nobody_else),
    };
    return unit_run("net server", tests, sizeof tests / sizeof *tests);
}
