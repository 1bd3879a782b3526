/*
 * load: drives a gateway and receives what it delivers, with as little of the processors as
 * possible.
 *
 * It makes COUNT distinct signed messages beforehand, so that signing does not disturb, then sends
 * them over so many kept connections at once. The receiving side answers every delivery at once.
 * Prints one JSON object: rates, latencies from request to receipt, deliveries received, and its
 * own CPU.
 *
 * usage: load --message FILE --tls-certificate FILE --tls-key FILE --signing-certificate FILE
 *             --signing-key FILE --authorities FILE --author ID --reader ID --port GATEWAY-PORT
 *             --receive-port PORT --receive-certificate FILE --receive-key FILE
 *             [--messages N] [--connections N] [--expect-deliveries N]
 */
#include "gateway/base/clock.h"
#include "gateway/base/id.h"
#include "gateway/message/xml.h"
#include "gateway/net/http_client.h"
#include "gateway/net/http_server.h"
#include "gateway/net/tls.h"
#include "gateway/trust/signature.h"

#include <event2/dns.h>
#include <event2/event.h>
#include <getopt.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum setting {
    MESSAGE,
    TLS_CERTIFICATE,
    TLS_KEY,
    SIGNING_CERTIFICATE,
    SIGNING_KEY,
    AUTHORITIES,
    AUTHOR,
    READER,
    PORT,
    RECEIVE_PORT,
    RECEIVE_CERTIFICATE,
    RECEIVE_KEY,
    MESSAGES,
    CONNECTIONS,
    EXPECT_DELIVERIES,
    SETTINGS
};

static const char *settings[SETTINGS] = {
    [MESSAGES] = "10000", [CONNECTIONS] = "64", [EXPECT_DELIVERIES] = "-1"};

struct signed_message {
    char *bytes;
    size_t length;
};

struct load {
    struct event_base *base;
    struct mg_http_client *client;
    struct signed_message *messages;
    long count;
    long next;
    long answered;
    long accepted;
    long received; /* deliveries */
    long expected; /* deliveries */
    int64_t *latencies;
    int64_t begun;
    int64_t answered_at;
    int64_t received_at;
    char url[128];
};

/* One of the messages that are on their way at the same time. */
struct sender {
    struct load *load;
    const struct signed_message *message;
    int64_t begun;
    int status;
};

static void give_up(const char *what, const struct mg_error *error)
{
    fprintf(stderr, "load: %s%s%s\n", what, error ? ": " : "", error ? error->text : "");
    exit(1);
}

/* ---- making messages ---- */

static void set_text(xmlNode *root, const char *element, const char *text)
{
    for (xmlNode *node = root; node;) {
        if (node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, element) == 0) {
            xmlNodeSetContent(node, BAD_CAST text);
            return;
        }
        if (node->children) {
            node = node->children;
            continue;
        }
        while (node && !node->next)
            node = node->parent == root ? NULL : node->parent;
        node = node ? node->next : NULL;
    }
}

static xmlNode *find(xmlNode *parent, const char *element)
{
    for (xmlNode *node = parent->children; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE)
            continue;
        if (strcmp((const char *)node->name, element) == 0)
            return node;
        xmlNode *below = find(node, element);
        if (below)
            return below;
    }
    return NULL;
}

static struct signed_message make_message(xmlDoc *pattern, const struct mg_signer *signer)
{
    struct mg_error error;
    struct mg_id id = mg_id_new();
    char uuid[MG_ID_TEXT_SIZE];
    xmlNode *root = xmlDocGetRootElement(pattern);
    set_text(root, "nachrichtenUUID", mg_id_text(&id, uuid));
    xmlChar *canonical;
    size_t length;
    uint8_t digest[32];
    if (!mg_xml_canonical(pattern, &canonical, &length, &error))
        give_up("the message has no canonical form", &error);
    EVP_Digest(canonical, length, digest, NULL, EVP_sha256(), NULL);
    const struct mg_signature_plan plan = {.document_uri = "", .document_digest = digest};
    struct mg_buffer signature = {0}, signed_bytes = {0};
    if (!mg_signature_make(signer, &plan, &signature, &error))
        give_up("cannot sign", &error);
    size_t end = length;
    while (canonical[--end] != '<')
        continue;
    mg_buffer_add(&signed_bytes, canonical, end);
    mg_buffer_add(&signed_bytes, signature.data, signature.length);
    mg_buffer_add(&signed_bytes, canonical + end, length - end);
    mg_buffer_free(&signature);
    xmlFree(canonical);
    struct signed_message message = {.length = signed_bytes.length};
    message.bytes = mg_buffer_take(&signed_bytes);
    return message;
}

static xmlDoc *read_pattern(void)
{
    static char text[1 << 20];
    FILE *file = fopen(settings[MESSAGE], "r");
    size_t length = file ? fread(text, 1, sizeof text, file) : 0;
    xmlDoc *pattern = xmlReadMemory(text, (int)length, NULL, NULL, XML_PARSE_NONET);
    if (!pattern)
        give_up("the message cannot be read", NULL);
    fclose(file);
    return pattern;
}

static void make_messages(struct load *load)
{
    struct mg_error error;
    struct mg_key *key = mg_key_from_file(settings[SIGNING_KEY], &error);
    X509 *certificate = mg_certificate_from_file(settings[SIGNING_CERTIFICATE], &error);
    if (!key || !certificate)
        give_up("signing key or certificate", &error);
    struct mg_signer *signer = mg_signer_new(key, certificate, &error);
    if (!signer)
        give_up("the signer", &error);
    xmlDoc *pattern = read_pattern();
    xmlNode *root = xmlDocGetRootElement(pattern);
    xmlNode *author = find(root, "autor"), *reader = find(root, "leser");
    if (!author || !reader)
        give_up("the message has no author or no reader", NULL);
    set_text(author, "kennung", settings[AUTHOR]);
    set_text(reader, "kennung", settings[READER]);
    load->messages = mg_allocate_zeroed((size_t)load->count, sizeof *load->messages);
    for (long i = 0; i < load->count; i++)
        load->messages[i] = make_message(pattern, signer);
    xmlFreeDoc(pattern);
    mg_signer_free(signer);
}

/* ---- sending ---- */

static void send_next(struct sender *sender);

static void look_whether_done(struct load *load)
{
    /* The answers to the last deliveries still have to leave. */
    static const struct timeval a_moment = {0, 200000};
    if (load->answered == load->count && load->received >= load->expected)
        event_base_loopexit(load->base, &a_moment);
}

static ssize_t on_body(struct mg_http_call *call, int64_t offset, void *bytes, size_t size,
                       void *context)
{
    (void)call;
    const struct sender *sender = context;
    size_t left = sender->message->length - (size_t)offset;
    if (size > left)
        size = left;
    memcpy(bytes, sender->message->bytes + offset, size);
    return (ssize_t)size;
}

static void on_response(struct mg_http_call *call, const struct mg_http_head *head, void *context)
{
    (void)call;
    ((struct sender *)context)->status = head->status;
}

static void on_data(struct mg_http_call *call, const void *bytes, size_t length, void *context)
{
    (void)call;
    const struct sender *sender = context;
    if (sender->status != 201)
        fprintf(stderr, "load: %d: %.*s\n", sender->status, (int)length, (const char *)bytes);
}

static void on_done(struct mg_http_call *call, const struct mg_error *error, void *context)
{
    (void)call;
    struct sender *sender = context;
    struct load *load = sender->load;
    if (error)
        fprintf(stderr, "load: %s: %s\n", error->code, error->text);
    load->answered_at = mg_clock_monotonic();
    load->latencies[load->answered++] = load->answered_at - sender->begun;
    if (!error && sender->status == 201)
        load->accepted++;
    send_next(sender);
    look_whether_done(load);
}

static void send_next(struct sender *sender)
{
    static const struct mg_http_call_events events = {
        .on_body = on_body, .on_response = on_response, .on_data = on_data, .on_done = on_done};
    static const struct mg_http_header headers[] = {{"Content-Type", "application/xml"}};
    struct load *load = sender->load;
    if (load->next == load->count)
        return;
    sender->message = &load->messages[load->next++];
    sender->begun = mg_clock_monotonic();
    sender->status = 0;
    const struct mg_http_call_options options = {
        .method = "POST",
        .url = load->url,
        .headers = headers,
        .header_count = 1,
        .length = (int64_t)sender->message->length,
    };
    struct mg_error error;
    if (!mg_http_call(load->client, &options, &events, sender, &error))
        give_up("cannot send", &error);
}

/* ---- receiving ---- */

static void on_delivery_data(struct mg_http_request *request, const void *bytes, size_t length,
                             void *context)
{
    (void)request;
    (void)bytes;
    (void)length;
    (void)context;
}

static void on_delivery_end(struct mg_http_request *request, void *context)
{
    struct load *load = context;
    load->received++;
    load->received_at = mg_clock_monotonic();
    mg_http_request_answer(request, 204, NULL, 0, NULL, 0);
    look_whether_done(load);
}

static void on_delivery_abort(struct mg_http_request *request, void *context)
{
    (void)request;
    (void)context;
}

static void on_delivery(struct mg_http_request *request, const struct mg_http_head *head,
                        void *context)
{
    static const struct mg_http_request_events events = {
        .on_data = on_delivery_data, .on_end = on_delivery_end, .on_abort = on_delivery_abort};
    (void)head;
    mg_http_request_take(request, &events, -1, context);
}

static struct mg_http_server *start_receiving(struct load *load, X509_STORE *store)
{
    struct mg_error error;
    char address[64];
    snprintf(address, sizeof address, "127.0.0.1:%s", settings[RECEIVE_PORT]);
    SSL_CTX *tls =
        mg_tls_server(settings[RECEIVE_CERTIFICATE], settings[RECEIVE_KEY], store, &error);
    if (!tls)
        give_up("the receiver's certificate", &error);
    const struct mg_http_server_options options = {
        .name = "receiver",
        .address = address,
        .tls = tls,
        .handler = {.on_head = on_delivery},
        .context = load,
    };
    struct mg_http_server *server = mg_http_server_new(load->base, &options, &error);
    if (!server)
        give_up("cannot receive", &error);
    SSL_CTX_free(tls);
    return server;
}

/* ---- the whole ---- */

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void print_result(struct load *load)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    qsort(load->latencies, (size_t)load->answered, sizeof *load->latencies, compare);
    double seconds = (double)(load->answered_at - load->begun) / 1e6;
    int64_t end = load->received_at > load->answered_at ? load->received_at : load->answered_at;
    printf(
        "{\"messages\": %ld, \"accepted\": %ld, \"deliveries\": %ld, \"seconds\": %.3f, "
        "\"seconds_to_last_delivery\": %.3f, \"rate\": %.1f, \"p50_ms\": %.2f, \"p99_ms\": %.2f, "
        "\"cpu_seconds\": %.3f}\n",
        load->count, load->accepted, load->received, seconds, (double)(end - load->begun) / 1e6,
        (double)load->answered / seconds, (double)load->latencies[load->answered / 2] / 1e3,
        (double)load->latencies[load->answered * 99 / 100] / 1e3,
        (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
            (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
}

static void read_settings(int count, char **values)
{
    static const struct option options[] = {
        {"message", required_argument, NULL, MESSAGE},
        {"tls-certificate", required_argument, NULL, TLS_CERTIFICATE},
        {"tls-key", required_argument, NULL, TLS_KEY},
        {"signing-certificate", required_argument, NULL, SIGNING_CERTIFICATE},
        {"signing-key", required_argument, NULL, SIGNING_KEY},
        {"authorities", required_argument, NULL, AUTHORITIES},
        {"author", required_argument, NULL, AUTHOR},
        {"reader", required_argument, NULL, READER},
        {"port", required_argument, NULL, PORT},
        {"receive-port", required_argument, NULL, RECEIVE_PORT},
        {"receive-certificate", required_argument, NULL, RECEIVE_CERTIFICATE},
        {"receive-key", required_argument, NULL, RECEIVE_KEY},
        {"messages", required_argument, NULL, MESSAGES},
        {"connections", required_argument, NULL, CONNECTIONS},
        {"expect-deliveries", required_argument, NULL, EXPECT_DELIVERIES},
        {0},
    };
    for (int option; (option = getopt_long(count, values, "", options, NULL)) != -1;) {
        if (option >= SETTINGS)
            exit(2);
        settings[option] = optarg;
    }
    for (int i = 0; i < SETTINGS; i++)
        if (!settings[i])
            give_up("a setting is missing; see the head of tests/bench/load.c", NULL);
}

static void run(struct load *load)
{
    struct mg_error error;
    struct mg_anchors *anchors =
        mg_anchors_new(settings[AUTHORITIES], NULL, MG_STALE_ACCEPT, &error);
    if (!anchors)
        give_up("the authorities", &error);
    X509_STORE *store = mg_anchors_store(anchors);
    SSL_CTX *tls = mg_tls_client(settings[TLS_CERTIFICATE], settings[TLS_KEY], store, &error);
    if (!tls)
        give_up("the sender's certificate", &error);
    struct mg_http_server *server = start_receiving(load, store);
    size_t connections = (size_t)atol(settings[CONNECTIONS]);
    struct evdns_base *dns = evdns_base_new(load->base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    const struct mg_http_client_options options = {
        .tls = tls, .dns = dns, .idle_limit = connections};
    load->client = mg_http_client_new(load->base, &options);
    struct sender *senders = mg_allocate_zeroed(connections, sizeof *senders);
    puts("ready");
    fflush(stdout);
    /* The bench looks at the clocks of all processes now, and says when to begin. */
    if (getchar() == EOF)
        give_up("nobody said when to begin", NULL);
    load->begun = mg_clock_monotonic();
    for (size_t i = 0; i < connections; i++) {
        senders[i].load = load;
        send_next(&senders[i]);
    }
    event_base_dispatch(load->base);
    print_result(load);
    free(senders);
    mg_http_client_free(load->client);
    evdns_base_free(dns, 0);
    mg_http_server_free(server);
    SSL_CTX_free(tls);
    X509_STORE_free(store);
    mg_anchors_free(anchors);
}

int main(int count, char **values)
{
    struct mg_error error;
    struct load load = {0};
    read_settings(count, values);
    signal(SIGPIPE, SIG_IGN);
    if (!mg_trust_start(&error))
        give_up("cannot start", &error);
    load.count = atol(settings[MESSAGES]);
    load.expected = atol(settings[EXPECT_DELIVERIES]);
    if (load.expected < 0)
        load.expected = load.count;
    snprintf(load.url, sizeof load.url, "https://127.0.0.1:%s/messages", settings[PORT]);
    load.latencies = mg_allocate_zeroed((size_t)load.count, sizeof *load.latencies);
    make_messages(&load);
    load.base = event_base_new();
    run(&load);
    event_base_free(load.base);
    for (long i = 0; i < load.count; i++)
        free(load.messages[i].bytes);
    free(load.messages);
    free(load.latencies);
    mg_trust_stop();
    return load.accepted == load.count ? 0 : 1;
}
