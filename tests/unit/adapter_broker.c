/*
 * What the adapters of message brokers share, and what each of them does without a broker. Built
 * once for each adapter; SCHEME, REQUIRED and SOURCE say what it wants.
 */
#include "adapters/common/bring.h"
#include "adapters/common/broker.h"
#include "adapters/common/outgoing.h"
#include "adapters/common/reach.h"
#include "tests/unit/adapter_host_double.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const struct mg_broker_scheme scheme = {.name = SCHEME, .port = 1, .secure_port = 2};

/* ---- where the broker is ---- */

static bool parses(const char *url, const char *name, int port, const char *path, bool secure)
{
    struct mg_broker broker = {0};
    const char *reason = NULL;
    bool right = mg_broker_parse(url, &scheme, &broker, &reason);
    right = right && strcmp(broker.host, name) == 0 && broker.port == port &&
            broker.secure == secure &&
            (path ? broker.path && strcmp(broker.path, path) == 0 : !broker.path);
    mg_broker_free(&broker);
    return right;
}

static bool refuses(const char *url, const char *why)
{
    struct mg_broker broker = {0};
    const char *reason = NULL;
    bool right = !mg_broker_parse(url, &scheme, &broker, &reason) && strstr(reason, why);
    mg_broker_free(&broker);
    return right;
}

static void a_url_names_host_port_and_path(void)
{
    CU_ASSERT(parses(SCHEME "s://a.example", "a.example", 2, NULL, true));
    CU_ASSERT(parses(SCHEME "s://a.example:77/", "a.example", 77, "", true));
    CU_ASSERT(parses(SCHEME "s://[2001:db8::1]:65535/v", "2001:db8::1", 65535, "v", true));
    CU_ASSERT(parses(SCHEME "s://[2001:db8::1]", "2001:db8::1", 2, NULL, true));
    CU_ASSERT(parses(SCHEME "s://a/x%2Fy%20z", "a", 2, "x/y z", true));
    CU_ASSERT(parses(SCHEME "://127.8.7.6", "127.8.7.6", 1, NULL, false));
    CU_ASSERT(parses(SCHEME "://[::1]:5", "::1", 5, NULL, false));
    CU_ASSERT(parses(SCHEME "://localhost", "localhost", 1, NULL, false));
}

static void a_url_that_is_none_is_refused_with_the_reason(void)
{
    CU_ASSERT(refuses("", "scheme"));
    CU_ASSERT(refuses("https://a.example", "scheme"));
    CU_ASSERT(refuses(SCHEME "x://a.example", "scheme"));
    CU_ASSERT(refuses(SCHEME "s:/a.example", "scheme"));
    const char *const hosts[] = {"",     ":1",   "a:",     "a:0",      "a:65536", "a:1x",
                                 "a:-1", "[::1", "[::1]x", "[]:1",     "u@a",     "u:p@a:1",
                                 "a b",  "a?x",  "a#x",    "a:999999", "a\"",     "[::1]:"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        char url[64];
        snprintf(url, sizeof url, SCHEME "s://%s", hosts[i]);
        CU_ASSERT(refuses(url, "host and port"));
    }
    CU_ASSERT(refuses(SCHEME "s://a/b/c", "%2F"));
    CU_ASSERT(refuses(SCHEME "s://a/%", "%2F"));
    CU_ASSERT(refuses(SCHEME "s://a/%2", "%2F"));
    CU_ASSERT(refuses(SCHEME "s://a/%g0", "%2F"));
    CU_ASSERT(refuses(SCHEME "s://a/%00", "%2F"));
}

static void without_tls_only_loopback_is_spoken_to(void)
{
    CU_ASSERT(refuses(SCHEME "://a.example", "TLS"));
    CU_ASSERT(refuses(SCHEME "://127.0.0.1.example", "TLS"));
    CU_ASSERT(refuses(SCHEME "://localhost.example", "TLS"));
    CU_ASSERT(refuses(SCHEME "://10.0.0.1", "TLS"));
    CU_ASSERT(refuses(SCHEME "://[2001:db8::1]", "TLS"));
}

static void pauses_grow_to_half_a_minute(void)
{
    for (int i = 0; i < 100; i++) {
        int first = mg_broker_pause(1), second = mg_broker_pause(2), last = mg_broker_pause(1000);
        CU_ASSERT(first >= 375 && first < 625);
        CU_ASSERT(second >= 750 && second < 1250);
        CU_ASSERT(last >= 22500 && last < 37500);
    }
}

/* ---- the courier ---- */

#define LETTERS 2000

struct counted {
    struct mg_letter letter;
    int number;
};

static struct mg_courier *courier;
static atomic_int thread_opened;
static int loop_opened, dropped;

static void open_on_loop(struct mg_letter *letter)
{
    struct counted *counted = (struct counted *)letter;
    CU_ASSERT_EQUAL(counted->number, loop_opened);
    loop_opened++;
    free(counted);
}

static void drop(struct mg_letter *letter)
{
    dropped++;
    free(letter);
}

static void open_on_thread(struct mg_letter *letter)
{
    letter->open = open_on_loop;
    atomic_fetch_add(&thread_opened, 1);
    mg_courier_to_loop(courier, letter);
}

static void answer_letters(void *context)
{
    (void)context;
    while (!mg_courier_ends(courier)) {
        mg_courier_open(courier);
        mg_courier_wait(courier, -1, 0, -1);
    }
}

static void send_letter(int number)
{
    struct counted *counted = calloc(1, sizeof *counted);
    CU_ASSERT_PTR_NOT_NULL_FATAL(counted);
    *counted = (struct counted){{.open = open_on_thread, .drop = drop}, number};
    mg_courier_to_thread(courier, &counted->letter);
}

static void letters_go_there_and_back_in_their_order(void)
{
    host_start();
    loop_opened = dropped = 0;
    CU_ASSERT_FATAL(mg_courier_start(&host.gateway, NULL, answer_letters, NULL, &courier));
    for (int i = 0; i < LETTERS; i++)
        send_letter(i);
    for (int64_t i = 0; i < unit_patience(10000) && loop_opened < LETTERS; i += 10)
        host_wait(10);
    CU_ASSERT_EQUAL(loop_opened, LETTERS);
    mg_courier_end(courier);
    CU_ASSERT_EQUAL(dropped, 0);
    host_stop();
}

static void letters_that_nobody_opened_are_dropped_at_the_end(void)
{
    host_start();
    loop_opened = dropped = 0;
    CU_ASSERT_FATAL(mg_courier_start(&host.gateway, NULL, answer_letters, NULL, &courier));
    for (int i = 0; i < LETTERS; i++)
        send_letter(i);
    mg_courier_end(courier);
    CU_ASSERT_EQUAL(loop_opened + dropped, LETTERS);
    host_stop();
}

static int pair[2];
static atomic_bool blocked;

/* As a library that knows nothing of the courier does it. */
static void block_in_a_library(void *context)
{
    char byte;
    (void)context;
    mg_courier_breakable(courier, pair[0]);
    mg_courier_blocks(courier, true);
    atomic_store(&blocked, true);
    CU_ASSERT(recv(pair[0], &byte, 1, 0) <= 0);
    mg_courier_blocks(courier, false);
    mg_courier_breakable(courier, -1);
}

static void a_thread_that_blocks_on_its_socket_is_cut_off(void)
{
    for (int early = 0; early < 2; early++) {
        host_start();
        atomic_store(&blocked, false);
        CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
        CU_ASSERT_FATAL(mg_courier_start(&host.gateway, NULL, block_in_a_library, NULL, &courier));
        while (!early && !atomic_load(&blocked))
            host_wait(10);
        mg_courier_end(courier);
        CU_ASSERT(atomic_load(&blocked));
        close(pair[0]);
        close(pair[1]);
        host_stop();
    }
}

/* ---- messages on their way in ---- */

struct settled {
    struct mg_arrival arrival;
    int count;
    enum mg_verdict verdict;
    int64_t pause;
};

static void note_verdict(struct mg_arrival *arrival, enum mg_verdict verdict, int64_t pause)
{
    struct settled *settled = (struct settled *)arrival;
    settled->count++;
    settled->verdict = verdict;
    settled->pause = pause;
}

static void free_nothing(struct mg_arrival *arrival)
{
    (void)arrival;
}

static struct mg_bringing bringing;

static void open_bringing(void)
{
    host_start();
    bringing = (struct mg_bringing){
        .gateway = &host.gateway, .settled = note_verdict, .free = free_nothing};
    mg_bring_open(&bringing);
}

static struct settled bring(const char *body)
{
    struct settled settled = {.count = 0};
    mg_bring_begin(&bringing, &settled.arrival, NULL, NULL, (int64_t)strlen(body));
    mg_bring_add(&settled.arrival, body, strlen(body));
    mg_bring_add(&settled.arrival, "", 0);
    mg_bring_finish(&settled.arrival);
    host_run();
    mg_bring_forget(&settled.arrival);
    CU_ASSERT_EQUAL(settled.count, 1);
    CU_ASSERT_PTR_NULL(bringing.arrivals);
    return settled;
}

static void accepted_and_repeated_messages_are_taken(void)
{
    open_bringing();
    host.result = MG_ACCEPTED;
    CU_ASSERT_EQUAL(bring("<a/>").verdict, MG_VERDICT_TAKEN);
    CU_ASSERT_STRING_EQUAL(host.submissions[0]->media_type.bytes, "application/xml");
    CU_ASSERT_STRING_EQUAL(host.submissions[0]->body.bytes, "<a/>");
    host.result = MG_REPEATED;
    CU_ASSERT_EQUAL(bring("<a/>").verdict, MG_VERDICT_TAKEN);
    mg_bring_end(&bringing);
    host_stop();
}

static void only_what_waiting_may_lift_is_postponed(void)
{
    static const struct {
        int status;
        enum mg_verdict verdict;
    } cases[] = {{400, MG_VERDICT_REFUSED}, {403, MG_VERDICT_REFUSED}, {409, MG_VERDICT_REFUSED},
                 {413, MG_VERDICT_REFUSED}, {422, MG_VERDICT_REFUSED}, {429, MG_VERDICT_LATER},
                 {500, MG_VERDICT_LATER},   {503, MG_VERDICT_LATER}};
    open_bringing();
    host.result = MG_REFUSED;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        host.refusal.status = cases[i].status;
        host.refuses_begin = false;
        host.refuses_at = 0;
        CU_ASSERT_EQUAL(bring("<a/>").verdict, cases[i].verdict);
        host.refuses_at = 2;
        CU_ASSERT_EQUAL(bring("<a/>").verdict, cases[i].verdict);
        host.refuses_begin = true;
        CU_ASSERT_EQUAL(bring("<a/>").verdict, cases[i].verdict);
    }
    mg_bring_end(&bringing);
    host_stop();
}

static void many_refusals_at_once_make_one_pause(void)
{
    open_bringing();
    host.result = MG_REFUSED;
    host.refusal.status = 503;
    for (int i = 0; i < 20; i++)
        CU_ASSERT_EQUAL(bring("<a/>").pause, 1000);
    host.refusal.retry_after = 7;
    CU_ASSERT_EQUAL(bring("<a/>").pause, 7000);
    host.refusal.retry_after = 1000000;
    CU_ASSERT_EQUAL(bring("<a/>").pause, 60000);
    mg_bring_end(&bringing);
    host_stop();
}

static void what_is_underway_at_the_end_is_aborted(void)
{
    struct settled settled = {.count = 0};
    open_bringing();
    host.waits = true;
    mg_bring_begin(&bringing, &settled.arrival, "text/xml", "gzip", 3);
    mg_bring_end(&bringing);
    CU_ASSERT_EQUAL(settled.count, 0);
    CU_ASSERT(host.submissions[0]->aborted);
    host_stop();
}

/* ---- the adapter itself, without a broker ---- */

static char file[] = "/tmp/adapter-broker-XXXXXX";

static void make_password(mode_t mode)
{
    snprintf(file, sizeof file, "/tmp/adapter-broker-XXXXXX");
    int descriptor = mkstemp(file);
    CU_ASSERT_FATAL(descriptor >= 0 && write(descriptor, "secret\n", 7) == 7);
    fchmod(descriptor, mode);
    close(descriptor);
}

static void parameters(bool source, const char *url)
{
    host_parameter("url", url);
    host_parameter("user", "gateway");
    host_parameter("password-file", file);
    host_parameter(source ? SOURCE_REQUIRED : REQUIRED, "x");
}

/* A port that nobody listens on: the socket is bound and does not listen. */
static int silent_port(char url[64])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int holder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(holder >= 0 && bind(holder, (struct sockaddr *)&address, size) == 0 &&
                    getsockname(holder, (struct sockaddr *)&address, &size) == 0);
    snprintf(url, 64, SCHEME "://127.0.0.1:%d", ntohs(address.sin_port));
    return holder;
}

static void parameters_that_do_not_fit_together_are_refused(void)
{
    static const struct {
        const char *name, *value;
    } cases[] = {
        {"url", "https://a.example"},   {"url", SCHEME "s://a.example"},
        {"url", SCHEME "://a.example"}, {"authorities", "/dev/null"},
        {"certificate", "/dev/null"},   {"user", NULL},
        {"password-file", NULL},        {REQUIRED, WRONG},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        host_start();
        if (strcmp(cases[i].name, "url") != 0)
            host_parameter("url", SCHEME "://localhost");
        if (strcmp(cases[i].name, "user") != 0)
            host_parameter("user", "gateway");
        if (strcmp(cases[i].name, "password-file") != 0)
            host_parameter("password-file", "/dev/null");
        if (strcmp(cases[i].name, REQUIRED) != 0)
            host_parameter(REQUIRED, "x");
        if (cases[i].value)
            host_parameter(cases[i].name, cases[i].value);
        CU_ASSERT_PTR_NULL(host_open(false));
        CU_ASSERT_STRING_EQUAL(host.failure.bytes, SCHEME ".parameter");
        host_stop();
    }
}

static bool wait_for_outcome(const struct mg_delivery *delivery)
{
    for (int64_t i = 0; i < unit_patience(10000) && !delivery->done; i += 10)
        host_wait(10);
    return delivery->done;
}

static void without_a_broker_a_delivery_is_tried_again_later_and_the_gateway_is_told(void)
{
    char url[64];
    int holder = silent_port(url);
    host_start();
    make_password(0600);
    parameters(false, url);
    CU_ASSERT_PTR_NOT_NULL_FATAL(host_open(false));
    struct mg_delivery *delivery = host_delivery("<a/>", "<s/>");
    host_deliver(delivery);
    CU_ASSERT_FATAL(wait_for_outcome(delivery));
    CU_ASSERT_EQUAL(delivery->kind, MG_TEMPORARY);
    CU_ASSERT_STRING_EQUAL(delivery->code.bytes, SCHEME ".unreachable");
    CU_ASSERT(host.down);
    CU_ASSERT_STRING_EQUAL(host.down_code.bytes, SCHEME ".unreachable");
    host_delivery_free(delivery);
    host_stop();
    unlink(file);
    close(holder);
}

/* A broker that takes connections and says nothing: the listener's backlog does. */
static void a_broker_that_says_nothing_costs_no_more_than_the_deadline(void)
{
    char url[64];
    int listener = silent_port(url);
    CU_ASSERT_FATAL(listen(listener, 16) == 0);
    host_start();
    make_password(0600);
    parameters(false, url);
    CU_ASSERT_PTR_NOT_NULL_FATAL(host_open(false));
    struct mg_delivery *delivery = host_delivery("<a/>", NULL);
    host_deliver(delivery);
    host_wait(100);
    CU_ASSERT_FALSE(delivery->done);
    host_cancel(delivery);
    CU_ASSERT_FATAL(wait_for_outcome(delivery));
    CU_ASSERT_EQUAL(delivery->kind, MG_TEMPORARY);
    host_delivery_free(delivery);
    host_stop();
    unlink(file);
    close(listener);
}

static void a_password_that_others_can_read_is_not_used(void)
{
    char url[64];
    int listener = silent_port(url);
    CU_ASSERT_FATAL(listen(listener, 16) == 0);
    host_start();
    make_password(0644);
    parameters(true, url);
    CU_ASSERT_PTR_NOT_NULL_FATAL(host_open(true));
    for (int64_t i = 0; i < unit_patience(10000) && !host.down; i += 10)
        host_wait(10);
    CU_ASSERT_STRING_EQUAL(host.down_code.bytes, SCHEME ".password");
    host_stop();
    unlink(file);
    close(listener);
}

static void it_opens_and_closes_many_times_whatever_the_broker_does(void)
{
    for (int i = 0; i < (int)unit_amount(200, 20); i++) {
        char url[64];
        int holder = silent_port(url);
        CU_ASSERT_FATAL(i % 2 == 0 || listen(holder, 4) == 0);
        host_start();
        make_password(0600);
        parameters(i % 4 < 2, url);
        CU_ASSERT_PTR_NOT_NULL(host_open(i % 4 < 2));
        if (i % 8 > 3)
            host_wait(10);
        host_stop();
        unlink(file);
        close(holder);
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_url_names_host_port_and_path),
        UNIT_TEST(a_url_that_is_none_is_refused_with_the_reason),
        UNIT_TEST(without_tls_only_loopback_is_spoken_to),
        UNIT_TEST(pauses_grow_to_half_a_minute),
        UNIT_TEST(letters_go_there_and_back_in_their_order),
        UNIT_TEST(letters_that_nobody_opened_are_dropped_at_the_end),
        UNIT_TEST(a_thread_that_blocks_on_its_socket_is_cut_off),
        UNIT_TEST(accepted_and_repeated_messages_are_taken),
        UNIT_TEST(only_what_waiting_may_lift_is_postponed),
        UNIT_TEST(many_refusals_at_once_make_one_pause),
        UNIT_TEST(what_is_underway_at_the_end_is_aborted),
        UNIT_TEST(parameters_that_do_not_fit_together_are_refused),
        UNIT_TEST(without_a_broker_a_delivery_is_tried_again_later_and_the_gateway_is_told),
        UNIT_TEST(a_broker_that_says_nothing_costs_no_more_than_the_deadline),
        UNIT_TEST(a_password_that_others_can_read_is_not_used),
        UNIT_TEST(it_opens_and_closes_many_times_whatever_the_broker_does),
    };
    return unit_run("adapter_" SCHEME, tests, sizeof tests / sizeof *tests);
}
