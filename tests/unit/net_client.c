#include "tests/unit/net_world.h"
#include "tests/unit/unit.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static struct world world;
static struct peer peer;

static void begin(const struct mg_http_limits *limits)
{
    world_begin(&world, limits, NULL);
    memset(&peer, 0, sizeof peer);
}

/* ---- calls to our own server ---- */

static void a_call_brings_the_answer_and_keeps_its_connection(void)
{
    begin(NULL);
    for (int i = 0; i < 5; i++) {
        struct outcome outcome = {0};
        CU_ASSERT(world_call_and_wait(&world, "GET", "/hello?a=b", 0, &outcome));
        CU_ASSERT_EQUAL(outcome.status, 200);
        CU_ASSERT_STRING_EQUAL(outcome.body, "/hello?a=b");
    }
    CU_ASSERT_EQUAL(mg_http_server_connections(world.server), 1);
    mg_http_client_forget(world.client);
    CU_ASSERT(world_wait(&world, world_is_deserted));
    world_end(&world);
}

static void on_done_never_comes_before_the_call_is_returned(void)
{
    begin(NULL);
    struct outcome outcome = {0};
    CU_ASSERT_PTR_NOT_NULL(world_call(&world, "GET", "http://127.0.0.1:1/", 0, &outcome));
    CU_ASSERT_FALSE(outcome.done);
    CU_ASSERT(world_run_until(&world, &outcome.done, 3000));
    CU_ASSERT_STRING_EQUAL(outcome.code, "net.connect");
    world_end(&world);
}

static void a_body_of_known_length_arrives_whole(void)
{
    static const int64_t lengths[] = {1, 7000, 16384, 32768, 32769, 1000000};
    begin(NULL);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct outcome outcome = {0};
        char expected[32];
        snprintf(expected, sizeof expected, "%lld", (long long)lengths[i]);
        CU_ASSERT(world_call_and_wait(&world, "POST", "/count", lengths[i], &outcome));
        CU_ASSERT_STRING_EQUAL(outcome.body, expected);
    }
    CU_ASSERT_EQUAL(mg_http_server_connections(world.server), 1);
    world_end(&world);
}

static void a_chunked_body_arrives_whole(void)
{
    begin(NULL);
    struct outcome outcome = {.length = 100001};
    CU_ASSERT(world_call_and_wait(&world, "POST", "/count", -1, &outcome));
    CU_ASSERT_STRING_EQUAL(outcome.body, "100001");
    CU_ASSERT_EQUAL(mg_http_server_connections(world.server), 1);
    world_end(&world);
}

#define MEGABYTE (1000 * 1000)

static void a_large_body_streams_both_ways_in_little_memory(void)
{
    const int64_t length = (int64_t)unit_amount(50, 4) * MEGABYTE;
    begin(NULL);
    struct outcome warm = {.check = true}, outcome = {.check = true};
    CU_ASSERT(world_call_and_wait(&world, "POST", "/echo", MEGABYTE, &warm));
    size_t before = world_memory();
    world.most_memory = 0;
    CU_ASSERT(world_call_and_wait(&world, "POST", "/echo", length, &outcome));
    CU_ASSERT_EQUAL(outcome.received, length);
    CU_ASSERT_FALSE(outcome.wrong);
    CU_ASSERT(world.most_memory <= before + MEGABYTE);
    world_end(&world);
}

static const struct outcome *begun;

static bool one_has_received(const struct world *self)
{
    (void)self;
    return begun->received > 0;
}

static void a_slow_consumer_holds_back_everybody_before_it(void)
{
    const int64_t length = (int64_t)unit_amount(40, 25) * MEGABYTE;
    begin(NULL);
    struct outcome outcome = {.pauses = true, .check = true};
    char url[160];
    snprintf(url, sizeof url, "%s/echo", world.url);
    CU_ASSERT_PTR_NOT_NULL_FATAL(world_call(&world, "POST", url, length, &outcome));
    begun = &outcome;
    CU_ASSERT(world_wait(&world, one_has_received));
    int64_t most = 0;
    for (int i = 0; i < 30; i++) {
        world_run(&world, 10);
        if (outcome.sent - outcome.received > most)
            most = outcome.sent - outcome.received;
    }
    /* What is underway fits into the buffers of two sockets and four bufferevents. */
    CU_ASSERT(most > 0 && most < 20 * MEGABYTE);
    int64_t sent = outcome.sent, received = outcome.received;
    outcome.pauses = false;
    CU_ASSERT(sent < length && received < length);
    CU_ASSERT(world_run_until(&world, &outcome.done, 20000));
    CU_ASSERT_STRING_EQUAL(outcome.code, "");
    CU_ASSERT_EQUAL(outcome.received, length);
    CU_ASSERT_FALSE(outcome.wrong);
    world_end(&world);
}

static void an_answer_in_pieces_is_received(void)
{
    begin(NULL);
    struct outcome outcome = {0};
    CU_ASSERT(world_call_and_wait(&world, "GET", "/big", 0, &outcome));
    CU_ASSERT_EQUAL(outcome.received, 20 * MEGABYTE);
    world_end(&world);
}

static void an_early_refusal_ends_the_sending(void)
{
    begin(NULL);
    struct outcome outcome = {0};
    CU_ASSERT(world_call_and_wait(&world, "POST", "/refuse", 50 * MEGABYTE, &outcome));
    CU_ASSERT_EQUAL(outcome.status, 403);
    CU_ASSERT_STRING_EQUAL(outcome.body, "no");
    CU_ASSERT(outcome.sent < 20 * MEGABYTE);
    struct outcome next = {0};
    CU_ASSERT(world_call_and_wait(&world, "GET", "/next", 0, &next));
    world_end(&world);
}

static void a_body_that_breaks_off_ends_the_call_and_aborts_the_request(void)
{
    begin(NULL);
    struct outcome outcome = {.stop_at = 100000};
    CU_ASSERT_FALSE(world_call_and_wait(&world, "POST", "/count", 1000000, &outcome));
    CU_ASSERT_STRING_EQUAL(outcome.code, "net.cancelled");
    CU_ASSERT(world_wait(&world, world_one_aborted));
    world_run(&world, 50);
    CU_ASSERT_EQUAL(world_aborts, 1);
    world_end(&world);
}

static void a_cancelled_call_says_nothing_more(void)
{
    begin(NULL);
    struct outcome outcome = {0}, early = {0};
    char url[160];
    snprintf(url, sizeof url, "%s/big", world.url);
    struct mg_http_call *call = world_call(&world, "GET", url, 0, &outcome);
    begun = &outcome;
    CU_ASSERT_FATAL(world_wait(&world, one_has_received));
    mg_http_call_cancel(call);
    mg_http_call_cancel(world_call(&world, "GET", url, 0, &early));
    int64_t received = outcome.received;
    CU_ASSERT(world_wait(&world, world_one_aborted));
    world_run(&world, 50);
    CU_ASSERT_FALSE(outcome.done);
    CU_ASSERT_FALSE(early.done);
    CU_ASSERT_EQUAL(outcome.received, received);
    CU_ASSERT_EQUAL(world_aborts, 1);
    world_end(&world);
}

static void a_client_that_ends_cancels_its_calls(void)
{
    begin(NULL);
    struct outcome outcome = {0};
    char url[160];
    snprintf(url, sizeof url, "%s/never", world.url);
    world_call(&world, "POST", url, 5, &outcome);
    CU_ASSERT(world_wait(&world, world_one_requested));
    mg_http_client_free(world.client);
    world.client = NULL;
    CU_ASSERT(outcome.done);
    CU_ASSERT_STRING_EQUAL(outcome.code, "net.cancelled");
    world_end(&world);
}

static void an_answer_that_does_not_come_is_a_timeout(void)
{
    begin(&(struct mg_http_limits){.response_time = 200});
    struct outcome outcome = {0};
    CU_ASSERT_FALSE(world_call_and_wait(&world, "POST", "/never", 5, &outcome));
    CU_ASSERT_STRING_EQUAL(outcome.code, "net.timeout");
    world_end(&world);
}

static bool eight_are_kept(const struct world *self)
{
    return mg_http_server_connections(self->server) == 8;
}

static void many_calls_at_once_are_all_answered(void)
{
    static struct outcome outcomes[40];
    const int calls = (int)unit_amount(sizeof outcomes / sizeof *outcomes, 12);
    begin(NULL);
    char url[160];
    snprintf(url, sizeof url, "%s/count", world.url);
    memset(outcomes, 0, sizeof outcomes);
    for (int i = 0; i < calls; i++)
        world_call(&world, "POST", url, 1000 + i, &outcomes[i]);
    for (int i = 0; i < calls; i++) {
        char expected[16];
        snprintf(expected, sizeof expected, "%d", 1000 + i);
        CU_ASSERT(world_run_until(&world, &outcomes[i].done, 10000));
        CU_ASSERT_STRING_EQUAL(outcomes[i].code, "");
        CU_ASSERT_STRING_EQUAL(outcomes[i].body, expected);
    }
    CU_ASSERT(world_wait(&world, eight_are_kept));
    world_run(&world, 50);
    CU_ASSERT(eight_are_kept(&world));
    world_end(&world);
}

static void a_url_that_cannot_be_called_is_refused(void)
{
    static const char *const wrong[] = {
        "ftp://a/",          "//a/",           "https://",         "https://user@a/",
        "https://a/#b",      "https://a:0/",   "https://a:99999/", "https://a b/",
        "https://[::g]/",    "https://a/\r\n", "https://a:80x/",   "http://192.0.2.1/",
        "http://a.example/", "https://[::1/",  "https://%61/",     "",
    };
    begin(NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct outcome outcome = {0};
        CU_ASSERT_PTR_NULL(world_call(&world, "GET", wrong[i], 0, &outcome));
        CU_ASSERT_STRING_EQUAL(outcome.code, "net.url");
    }
    world_end(&world);
}

/* A name server that knows city.example with the address 127.0.0.1 and no other name (RFC 1035). */
static void be_name_server(struct peer *self)
{
    static const char name[] = "\4city\7example";
    static const char address[] = "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1";
    unsigned char bytes[600];
    struct sockaddr_storage from;
    for (;;) {
        socklen_t size = sizeof from;
        ssize_t length = recvfrom(self->listener, bytes, 512, 0, (struct sockaddr *)&from, &size);
        if (length < 17)
            break;
        /* Resolvers mix capital letters in, and want to see them again. */
        bool known = strcasecmp((const char *)bytes + 12, name) == 0;
        bool four = bytes[12 + sizeof name + 1] == 1;
        bytes[2] = 0x81;
        bytes[3] = known ? 0x80 : 0x83;
        bytes[7] = known && four;
        if (known && four) {
            memcpy(bytes + length, address, sizeof address - 1);
            length += (ssize_t)sizeof address - 1;
        }
        sendto(self->listener, bytes, (size_t)length, 0, (struct sockaddr *)&from, size);
    }
}

/* Starts the name server, and has the world ask it. */
static void begin_with_names(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    char text[32];
    begin(NULL);
    peer.listener = socket(AF_INET, SOCK_DGRAM, 0);
    CU_ASSERT_FATAL(bind(peer.listener, (struct sockaddr *)&address, size) == 0);
    getsockname(peer.listener, (struct sockaddr *)&address, &size);
    peer.port = ntohs(address.sin_port);
    snprintf(text, sizeof text, "127.0.0.1:%d", peer.port);
    evdns_base_nameserver_ip_add(world.dns, text);
    peer.script = be_name_server;
    peer_start(&peer, &world);
}

static void end_with_names(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)peer.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int sender = socket(AF_INET, SOCK_DGRAM, 0);
    sendto(sender, "end", 3, 0, (struct sockaddr *)&address, sizeof address);
    close(sender);
    CU_ASSERT(peer_wait(&peer));
    world_end(&world);
}

static void a_name_is_resolved_by_the_name_server(void)
{
    struct outcome outcome = {0};
    char url[64];
    begin_with_names();
    snprintf(url, sizeof url, "https://city.example:%d/", mg_http_server_port(world.server));
    /* The server is reached, and has a certificate for other names. */
    CU_ASSERT_FALSE(world_call_and_wait(&world, "GET", url, 0, &outcome));
    CU_ASSERT_STRING_EQUAL(outcome.code, "net.host-name");
    end_with_names();
}

static void a_name_that_does_not_exist_is_not_resolved(void)
{
    struct outcome outcome = {0};
    begin_with_names();
    CU_ASSERT_FALSE(world_call_and_wait(&world, "GET", "https://no.example/", 0, &outcome));
    CU_ASSERT_STRING_EQUAL(outcome.code, "net.resolve");
    end_with_names();
}

static void a_name_server_that_is_silent_is_a_timeout(void)
{
    struct outcome outcome = {0};
    begin(&(struct mg_http_limits){.connect_time = 200});
    evdns_base_nameserver_ip_add(world.dns, "127.0.0.1:9");
    CU_ASSERT_FALSE(world_call_and_wait(&world, "GET", "https://no.example/", 0, &outcome));
    CU_ASSERT_STRING_EQUAL(outcome.code, "net.timeout");
    world_end(&world);
}

/* ---- calls to a peer that behaves as the test wants ---- */

static const char *const *answers; /* one for each connection, in turn; NULL at the end */
static bool keep_open;

static void answer_in_turn(struct peer *self)
{
    for (const char *const *answer = answers; *answer; answer++) {
        peer_forget(self);
        if (!peer_accept(self) || !peer_hear(self, "\r\n\r\n"))
            return;
        peer_say(self, *answer);
    }
    if (keep_open)
        peer_hear(self, NULL);
}

/* Calls a peer that gives these answers; says what came of it. */
static struct outcome call_peer(const char *method, const char *const *texts, bool open)
{
    struct outcome outcome = {0};
    char url[64];
    memset(&peer, 0, sizeof peer);
    peer_listen(&peer);
    peer.script = answer_in_turn;
    answers = texts;
    keep_open = open;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/x", peer.port);
    peer_start(&peer, &world);
    world_call_and_wait(&world, method, url, strcmp(method, "POST") == 0 ? 5 : 0, &outcome);
    mg_http_client_forget(world.client);
    CU_ASSERT(peer_wait(&peer));
    return outcome;
}

static struct outcome call_for(const char *text, bool open)
{
    return call_peer("GET", (const char *const[]){text, NULL}, open);
}

static void interim_responses_are_passed_over(void)
{
    begin(NULL);
    struct outcome outcome =
        call_for("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                 true);
    CU_ASSERT_STRING_EQUAL(outcome.code, "");
    CU_ASSERT_STRING_EQUAL(outcome.body, "ok");
    world_end(&world);
}

static void a_response_without_body_ends_with_its_head(void)
{
    begin(NULL);
    struct outcome outcome = call_for("HTTP/1.1 204 No Content\r\n\r\n", true);
    CU_ASSERT_STRING_EQUAL(outcome.code, "");
    CU_ASSERT_EQUAL(outcome.status, 204);
    outcome = call_for("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", true);
    CU_ASSERT_STRING_EQUAL(outcome.code, "");
    outcome = call_peer(
        "HEAD", (const char *const[]){"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", NULL}, true);
    CU_ASSERT_STRING_EQUAL(outcome.code, "");
    CU_ASSERT_EQUAL(outcome.received, 0);
    world_end(&world);
}

static void a_body_until_the_close_needs_connection_close(void)
{
    begin(NULL);
    struct outcome outcome = call_for("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbody", false);
    CU_ASSERT_STRING_EQUAL(outcome.code, "");
    CU_ASSERT_STRING_EQUAL(outcome.body, "body");
    outcome = call_for("HTTP/1.1 200 OK\r\n\r\nbody", false);
    CU_ASSERT_STRING_EQUAL(outcome.code, "net.malformed");
    world_end(&world);
}

static void a_truncated_response_is_an_error(void)
{
    begin(NULL);
    CU_ASSERT_STRING_EQUAL(
        call_for("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", false).code, "net.closed");
    CU_ASSERT_STRING_EQUAL(
        call_for("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", false).code,
        "net.closed");
    CU_ASSERT_STRING_EQUAL(call_for("HTTP/1.1 200 O", false).code, "net.closed");
    CU_ASSERT_STRING_EQUAL(call_for("", false).code, "net.closed");
    world_end(&world);
}

static void a_malformed_response_is_an_error(void)
{
    begin(&(struct mg_http_limits){.body = 100});
    static const char *const wrong[] = {
        "HTTP/1.1 200 OK\nContent-Length: 1\n\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n"
        "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "0"
        "0000000000\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "SSH-2.0-x\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CU_ASSERT_STRING_EQUAL(call_for(wrong[i], true).code, "net.malformed");
    world_end(&world);
}

static void close_after_one_answer(struct peer *self)
{
    /* The first connection is kept by the client and closed by the peer as the next request comes.
     */
    peer_accept(self);
    peer_hear(self, "\r\n\r\n");
    peer_say(self, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
    peer_forget(self);
    peer_hear(self, "\r\n\r\n");
    peer_forget(self);
    peer_accept(self);
    peer_hear(self, "abcde");
    peer_say(self, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo");
    peer_forget(self);
    peer_hear(self, NULL);
}

static void a_stale_kept_connection_is_replaced_once(void)
{
    begin(NULL);
    struct outcome one = {0}, two = {0};
    char url[64];
    peer_listen(&peer);
    peer.script = close_after_one_answer;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/x", peer.port);
    peer_start(&peer, &world);
    CU_ASSERT(world_call_and_wait(&world, "GET", url, 0, &one));
    CU_ASSERT_STRING_EQUAL(one.body, "one");
    CU_ASSERT(world_call_and_wait(&world, "POST", url, 5, &two));
    CU_ASSERT_STRING_EQUAL(two.body, "two");
    mg_http_client_forget(world.client);
    CU_ASSERT(peer_wait(&peer));
    world_end(&world);
}

static void answer_late(struct peer *self)
{
    peer_accept(self);
    peer_hear(self, "\r\n\r\n");
    peer_reaches(self);
    peer_wait_until_told(self);
    peer_say(self, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    peer_hear(self, NULL);
}

static void a_connection_in_use_when_all_are_forgotten_ends_with_its_call(void)
{
    struct outcome outcome = {0};
    char url[64];
    begin(NULL);
    world_new_client(&world, NULL, NULL);
    memset(&peer, 0, sizeof peer);
    peer_listen(&peer);
    peer.plain = true;
    peer.script = answer_late;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/x", peer.port);
    peer_start(&peer, &world);
    world_call(&world, "GET", url, 0, &outcome);
    CU_ASSERT(world_run_until(&world, &peer.reached, 5000));
    mg_http_client_forget(world.client);
    peer_tell(&peer);
    CU_ASSERT(world_run_until(&world, &outcome.done, 5000));
    CU_ASSERT_STRING_EQUAL(outcome.body, "ok");
    CU_ASSERT(peer_wait(&peer));
    CU_ASSERT(peer.closed);
    world_end(&world);
}

static void say_more_than_asked(struct peer *self)
{
    peer_accept(self);
    peer_hear(self, "\r\n\r\n");
    peer_say(self, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    peer_wait_until_told(self);
    peer_say(self, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    peer_forget(self);
    peer_hear(self, NULL);
}

static void bytes_that_nobody_asked_for_close_a_kept_connection(void)
{
    begin(NULL);
    struct outcome outcome = {0};
    char url[64];
    peer_listen(&peer);
    peer.script = say_more_than_asked;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/x", peer.port);
    peer_start(&peer, &world);
    CU_ASSERT(world_call_and_wait(&world, "GET", url, 0, &outcome));
    peer_tell(&peer);
    /* The peer's script only ends because the client closes. */
    CU_ASSERT(peer_wait(&peer));
    world_end(&world);
}

/* ---- through a proxy ---- */

static const char *proxy_answer;
static int proxied_port;

/* A proxy for one tunnel. */
static void be_proxy(struct peer *self)
{
    struct peer behind = {.port = proxied_port, .plain = true, .world = self->world};
    char bytes[4096];
    fd_set ready;
    if (!peer_accept(self) || !peer_hear(self, "\r\n\r\n") || !peer_connect(&behind))
        return;
    peer_say(self, proxy_answer);
    for (;;) {
        int ends[2] = {self->socket, behind.socket};
        FD_ZERO(&ready);
        FD_SET(ends[0], &ready);
        FD_SET(ends[1], &ready);
        if (select((ends[0] > ends[1] ? ends[0] : ends[1]) + 1, &ready, NULL, NULL, NULL) < 0)
            break;
        int from = FD_ISSET(ends[0], &ready) ? 0 : 1;
        ssize_t length = recv(ends[from], bytes, sizeof bytes, 0);
        if (length <= 0 || send(ends[1 - from], bytes, (size_t)length, MSG_NOSIGNAL) != length)
            break;
    }
    peer_close(&behind);
}

static struct outcome call_by_proxy(const char *answer)
{
    struct outcome outcome = {0};
    char proxy[64];
    memset(&peer, 0, sizeof peer);
    peer_listen(&peer);
    peer.script = be_proxy;
    proxy_answer = answer;
    proxied_port = mg_http_server_port(world.server);
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", peer.port);
    world_new_client(&world, world.client_tls, proxy);
    peer_start(&peer, &world);
    world_call_and_wait(&world, "GET", "/by-proxy", 0, &outcome);
    mg_http_client_forget(world.client);
    CU_ASSERT(peer_wait(&peer));
    return outcome;
}

static void a_proxy_opens_a_tunnel_in_which_tls_begins(void)
{
    begin(NULL);
    struct outcome outcome = call_by_proxy("HTTP/1.1 200 Connection established\r\n\r\n");
    char first[128];
    snprintf(first, sizeof first, "CONNECT localhost:%d HTTP/1.1\r\n",
             mg_http_server_port(world.server));
    CU_ASSERT_EQUAL(strncmp(peer.reply, first, strlen(first)), 0);
    CU_ASSERT_STRING_EQUAL(outcome.code, "");
    CU_ASSERT_STRING_EQUAL(outcome.body, "/by-proxy");
    world_end(&world);
}

static void a_proxy_that_refuses_is_named(void)
{
    begin(NULL);
    struct outcome outcome = call_by_proxy("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    CU_ASSERT_STRING_EQUAL(outcome.code, "net.proxy");
    CU_ASSERT(strstr(outcome.text, "407") != NULL);
    outcome = call_by_proxy("HTTP/1.1 200 OK\r\n\r\nTLS?");
    CU_ASSERT_STRING_EQUAL(outcome.code, "net.proxy");
    outcome = call_by_proxy("nonsense\n\n");
    CU_ASSERT_STRING_EQUAL(outcome.code, "net.proxy");
    world_end(&world);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_call_brings_the_answer_and_keeps_its_connection),
        UNIT_TEST(on_done_never_comes_before_the_call_is_returned),
        UNIT_TEST(a_body_of_known_length_arrives_whole),
        UNIT_TEST(a_chunked_body_arrives_whole),
        UNIT_TEST(a_large_body_streams_both_ways_in_little_memory),
        UNIT_TEST(a_slow_consumer_holds_back_everybody_before_it),
        UNIT_TEST(an_answer_in_pieces_is_received),
        UNIT_TEST(an_early_refusal_ends_the_sending),
        UNIT_TEST(a_body_that_breaks_off_ends_the_call_and_aborts_the_request),
        UNIT_TEST(a_cancelled_call_says_nothing_more),
        UNIT_TEST(a_client_that_ends_cancels_its_calls),
        UNIT_TEST(an_answer_that_does_not_come_is_a_timeout),
        UNIT_TEST(many_calls_at_once_are_all_answered),
        UNIT_TEST(a_url_that_cannot_be_called_is_refused),
        UNIT_TEST(a_name_is_resolved_by_the_name_server),
        UNIT_TEST(a_name_server_that_is_silent_is_a_timeout),
        UNIT_TEST(a_name_that_does_not_exist_is_not_resolved),
        UNIT_TEST(interim_responses_are_passed_over),
        UNIT_TEST(a_response_without_body_ends_with_its_head),
        UNIT_TEST(a_body_until_the_close_needs_connection_close),
        UNIT_TEST(a_truncated_response_is_an_error),
        UNIT_TEST(a_malformed_response_is_an_error),
        UNIT_TEST(a_stale_kept_connection_is_replaced_once),
        UNIT_TEST(a_connection_in_use_when_all_are_forgotten_ends_with_its_call),
        UNIT_TEST(bytes_that_nobody_asked_for_close_a_kept_connection),
        UNIT_TEST(a_proxy_opens_a_tunnel_in_which_tls_begins),
        UNIT_TEST(a_proxy_that_refuses_is_named),
    };
    return unit_run("net client", tests, sizeof tests / sizeof *tests);
}
