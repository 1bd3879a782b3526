/* Requests become asks: what is the same for all of them is decided here, in this order: by which
 * name, for what, by whom, from which site, with what. */
#include "gateway/operate/endpoint.h"

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/net/inherited.h"
#include "gateway/net/tls.h"
#include "gateway/operate/access.h"
#include "gateway/operate/ask_inside.h"

#include <stdlib.h>
#include <string.h>

/* Operators, a Prometheus or two, streams of events, and a bound for whoever goes mad. */
#define CONNECTIONS 64
/* An answer about so many destinations fits a connection's buffer only in pieces; the memory for it
 * is there for as long as the slowest reader takes, so slow ones are let go soon. */
#define WRITE_PAUSE 10000

/* Connections that users without a role can take from the others, at the socket. */
#define NOBODYS 16
/* Lines about denials that go to the log in one second. */
#define LOG_LIMIT 20

static const struct mg_http_limits limits = {
    .connections = CONNECTIONS, .write_pause = WRITE_PAUSE, .displaces = true};

/* ---- what is asked for ---- */

static bool has_method(const struct mg_resource *resource, const char *method)
{
    return strcmp(resource->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(resource->method, "GET") == 0);
}

/* Finds the resource. Without one, *others are the methods that the path has. */
static bool find(struct mg_ask *ask, const char *method, const char **others)
{
    const struct mg_endpoint_options *options = &ask->endpoint->options;
    bool get = false, post = false;
    for (size_t i = 0; i < options->resource_count; i++) {
        const struct mg_resources *table = &options->resources[i];
        for (size_t j = 0; j < table->count; j++) {
            const struct mg_resource *resource = &table->list[j];
            if (!mg_target_matches(&ask->target, resource->pattern))
                continue;
            ask->resource = resource;
            ask->context = table->context;
            if (has_method(resource, method))
                return true;
            get = get || strcmp(resource->method, "GET") == 0;
            post = post || strcmp(resource->method, "POST") == 0;
        }
    }
    *others = get && post ? "GET, HEAD, POST" : get ? "GET, HEAD" : post ? "POST" : NULL;
    return false;
}

static bool is_act(const struct mg_ask *ask)
{
    return strcmp(ask->resource->method, "POST") == 0;
}

static bool knows(const struct mg_resource *resource, const char *parameter)
{
    for (const char *const *known = resource->parameters; known && *known; known++)
        if (strcmp(*known, parameter) == 0)
            return true;
    return false;
}

static void refuse_parameter(struct mg_ask *ask, const char *name)
{
    struct mg_buffer detail = {0}, members = {0};
    mg_buffer_add_text(&members, "\"parameter\":\"");
    mg_buffer_add_json(&members, name);
    mg_buffer_add_text(&members, "\"");
    mg_buffer_add_text(&detail, "The query has a parameter that is not known here");
    const char *const *known = ask->resource->parameters;
    for (const char *word = ": "; known && *known; known++, word = ", ")
        mg_buffer_print(&detail, "%s%s",
                        known == ask->resource->parameters ? "; known are: " : word, *known);
    mg_buffer_add_text(&detail, ".");
    mg_ask_problem_with(ask, 400, "query.invalid", detail.data, members.data);
    mg_buffer_free(&members);
    mg_buffer_free(&detail);
}

/* ---- judging; false: refused, and the ask is gone ---- */

static bool judge_target(struct mg_ask *ask, const struct mg_http_head *head)
{
    struct mg_error error;
    const char *others = NULL;
    int status = mg_target_parse(&ask->target, head->target, &error);
    if (status == 0 && !find(ask, head->method, &others)) {
        if (others) {
            mg_ask_wrong_method(ask, others);
            return false;
        }
        status = 404;
        mg_fail(&error, "http.path", "There is nothing at this path.");
    }
    if (status == 0)
        return true;
    mg_ask_problem(ask, status, error.code, "%s", error.text);
    return false;
}

static bool judge_host(struct mg_ask *ask, const struct mg_http_head *head)
{
    const struct mg_endpoint *endpoint = ask->endpoint;
    const struct mg_config_status *status = &ask->config->status;
    const char *host = mg_http_header(head, "Host");
    bool own = host && (endpoint->way != MG_WAY_TLS
                            ? mg_access_is_own_host(host)
                            : mg_access_is_host_of(host, SSL_CTX_get0_certificate(endpoint->tls),
                                                   status->hosts, status->host_count));
    if (!own)
        mg_ask_problem(ask, 421, "http.host", "%s",
                       endpoint->way == MG_WAY_TLS
                           ? "This is shown under the names of the gateway's certificate only, and "
                             "those that hosts=\"…\" says."
                           : "This is shown under the machine's own name only: ask localhost.");
    return own;
}

/* Nobody can fill the log either. */
static void log_denial(const struct mg_ask *ask, const char *code)
{
    struct mg_endpoint *endpoint = ask->endpoint;
    int64_t second = mg_clock_monotonic() / 1000000;
    if (second != endpoint->log_second)
        endpoint->logged = 0;
    endpoint->log_second = second;
    if (endpoint->logged++ < LOG_LIMIT)
        mg_log(MG_LOG_NOTICE, "operate.denied", "code", code, "caller", ask->caller.name, "way",
               ask->caller.way, "path", ask->resource->pattern, NULL);
}

/* Whoever is refused for what they are is told to the audit trail; who is nobody here takes no
 * connection from others for longer. */
static void deny(struct mg_ask *ask, const char *code, const char *detail)
{
    const struct mg_endpoint_options *options = &ask->endpoint->options;
    log_denial(ask, code);
    if (options->denied)
        options->denied(ask, code, options->context);
    if (ask->caller.role == MG_ROLE_NONE)
        mg_http_request_close_after(ask->request);
    mg_ask_problem(ask, 403, code, "%s", detail);
}

static bool judge_role(struct mg_ask *ask)
{
    if (ask->caller.role >= ask->resource->role)
        return true;
    if (ask->caller.role == MG_ROLE_NONE)
        deny(ask, "access.unknown",
             "Whoever asks has no role here: an <operator>, or a group of <control>, gives one.");
    else
        deny(ask, "access.role", "Only who has the role operator may do this.");
    return false;
}

/* What a user at the socket is called is not known yet, so that their role is judged later: whom it
 * denies something, the audit trail has to name. */
static bool judge_caller(struct mg_ask *ask)
{
    struct mg_error error;
    if (!mg_caller_identify(ask, &error)) {
        deny(ask, error.code, error.text);
        return false;
    }
    bool later = ask->endpoint->way == MG_WAY_SOCKET && ask->caller.role != MG_ROLE_NONE;
    return later || judge_role(ask);
}

static bool judge_site(struct mg_ask *ask, const struct mg_http_head *head)
{
    if (!mg_access_is_cross_site(head, ask->endpoint->way == MG_WAY_TLS ? "https" : "http"))
        return true;
    mg_ask_problem(ask, 403, "access.cross-site",
                   "A page of another site has sent this; such requests are refused.");
    return false;
}

static bool judge_content(struct mg_ask *ask, const struct mg_http_head *head)
{
    if (!is_act(ask) || mg_access_is_json(mg_http_header(head, "Content-Type")))
        return true;
    mg_ask_problem(ask, 415, "http.content-type", "An act is sent as application/json.");
    return false;
}

static bool judge_parameters(struct mg_ask *ask)
{
    for (size_t i = 0; i < ask->target.parameter_count; i++) {
        if (!knows(ask->resource, ask->target.parameters[i].name)) {
            refuse_parameter(ask, ask->target.parameters[i].name);
            return false;
        }
    }
    return true;
}

/* ---- bodies of acts ---- */

static size_t count_characters(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

/* A reason is one line that people read. */
static bool is_reason(const char *text)
{
    bool said = false;
    for (const char *letter = text; *letter; letter++) {
        if ((unsigned char)*letter < ' ' || *letter == 0x7f)
            return false;
        said = said || *letter != ' ';
    }
    return said && count_characters(text) <= MG_ASK_WHY;
}

static bool read_body(struct mg_ask *ask)
{
    json_error_t error;
    ask->body = json_loadb(ask->bytes.data ? ask->bytes.data : "", ask->bytes.length,
                           JSON_REJECT_DUPLICATES, &error);
    mg_buffer_free(&ask->bytes);
    if (!json_is_object(ask->body)) {
        mg_ask_problem(ask, 400, "act.invalid",
                       "The body has to be one JSON object (RFC 8259) without doubled members.");
        return false;
    }
    ask->why = json_string_value(json_object_get(ask->body, "why"));
    if (ask->why && is_reason(ask->why))
        return true;
    mg_ask_problem(ask, 400, "act.why",
                   "Every act needs its reason: say \"why\" with 1 to 500 characters in one line.");
    return false;
}

/* ---- how a request goes on ---- */

static void on_data(struct mg_http_request *request, const void *bytes, size_t length,
                    void *context)
{
    struct mg_ask *ask = context;
    (void)request;
    if (is_act(ask))
        mg_buffer_add(&ask->bytes, bytes, length);
}

static void handle(struct mg_ask *ask)
{
    if (judge_role(ask))
        ask->resource->handle(ask, ask->context);
}

static void on_end(struct mg_http_request *request, void *context)
{
    struct mg_ask *ask = context;
    (void)request;
    if (is_act(ask) && !read_body(ask))
        return;
    ask->handled = true;
    mg_caller_name(ask, handle);
}

static void on_abort(struct mg_http_request *request, void *context)
{
    struct mg_ask *ask = context;
    (void)request;
    ask->request = NULL;
    if (!ask->handled)
        mg_ask_free(ask);
    else if (ask->events.on_abort)
        ask->events.on_abort(ask, ask->events_context);
}

static void on_writable(struct mg_http_request *request, void *context)
{
    struct mg_ask *ask = context;
    (void)request;
    if (ask->events.on_writable)
        ask->events.on_writable(ask, ask->events_context);
}

static const struct mg_http_request_events request_events = {
    .on_data = on_data,
    .on_end = on_end,
    .on_abort = on_abort,
    .on_writable = on_writable,
};

static struct mg_ask *new_ask(struct mg_endpoint *endpoint, struct mg_http_request *request,
                              const struct mg_http_head *head)
{
    struct mg_ask *ask = mg_allocate_zeroed(1, sizeof *ask);
    const char *tag = mg_http_header(head, "If-None-Match");
    ask->endpoint = endpoint;
    ask->request = request;
    ask->config = mg_config_hold(endpoint->config);
    ask->is_head = strcmp(head->method, "HEAD") == 0;
    if (tag && strlen(tag) < sizeof ask->known_tag)
        memcpy(ask->known_tag, tag, strlen(tag) + 1);
    LIST_INSERT_HEAD(&endpoint->asks, ask, entry);
    return ask;
}

static void on_head(struct mg_http_request *request, const struct mg_http_head *head, void *context)
{
    struct mg_ask *ask = new_ask(context, request, head);
    if (!judge_host(ask, head) || !judge_target(ask, head) || !judge_caller(ask) ||
        !judge_site(ask, head) || !judge_content(ask, head) || !judge_parameters(ask))
        return;
    mg_http_request_take(request, &request_events, MG_ASK_BODY, ask);
}

static void on_stranger(const char *peer, void *context)
{
    const struct mg_endpoint_options *options = &((const struct mg_endpoint *)context)->options;
    if (options->stranger)
        options->stranger(peer, options->context);
}

static bool admit(int socket, size_t connections, void *context)
{
    const struct mg_endpoint *endpoint = context;
    return connections < NOBODYS || mg_caller_has_role(endpoint->config, socket);
}

/* ---- life ---- */

static SSL_CTX *make_tls(const struct mg_config *config, struct mg_error *error)
{
    X509_STORE *store = mg_anchors_store(config->anchors);
    SSL_CTX *tls = mg_tls_server(config->tls_certificate, config->tls_key, store, error);
    X509_STORE_free(store);
    return tls;
}

/* A socket of the service manager's has the rights that its unit says; to one of our own everybody
 * gets who might belong to a group. */
static bool open_socket(struct mg_endpoint *endpoint, struct mg_error *error)
{
    const struct mg_config_control *control = &endpoint->config->control;
    bool others = control->has_operators || control->has_viewers;
    endpoint->local.socket = mg_inherited_socket("control", endpoint->address);
    return endpoint->local.socket >= 0 ||
           mg_local_listen(&endpoint->local, endpoint->address, others ? 0666 : 0600, error);
}

static bool open_endpoint(struct mg_endpoint *endpoint, const struct mg_endpoint *former,
                          struct mg_error *error)
{
    bool is_socket = endpoint->way == MG_WAY_SOCKET;
    if (endpoint->way == MG_WAY_TLS && !(endpoint->tls = make_tls(endpoint->config, error)))
        return false;
    if (is_socket && !open_socket(endpoint, error))
        return false;
    const struct mg_http_server_options server = {
        .name = is_socket ? "control" : "status",
        .address = is_socket ? NULL : endpoint->address,
        .socket = endpoint->local.socket,
        .beside = former ? former->server : NULL,
        .tls = endpoint->tls,
        .limits = limits,
        .handler = {.on_head = on_head, .on_stranger = on_stranger},
        .admit = is_socket ? admit : NULL,
        .context = endpoint,
    };
    endpoint->server = mg_http_server_new(endpoint->options.base, &server, error);
    return endpoint->server != NULL;
}

struct mg_endpoint *mg_endpoint_new(const struct mg_endpoint_options *options, enum mg_way way,
                                    struct mg_config *config, const struct mg_endpoint *former,
                                    struct mg_error *error)
{
    struct mg_endpoint *endpoint = mg_allocate_zeroed(1, sizeof *endpoint);
    endpoint->options = *options;
    endpoint->way = way;
    endpoint->config = mg_config_hold(config);
    endpoint->address =
        mg_copy_text(way == MG_WAY_SOCKET ? config->control.socket : config->status.address);
    LIST_INIT(&endpoint->asks);
    if (open_endpoint(endpoint, former, error))
        return endpoint;
    mg_endpoint_free(endpoint);
    return NULL;
}

const char *mg_endpoint_address(const struct mg_endpoint *endpoint)
{
    return endpoint->address;
}

int mg_endpoint_port(const struct mg_endpoint *endpoint)
{
    return mg_http_server_port(endpoint->server);
}

bool mg_endpoint_prepare(struct mg_endpoint *endpoint, const struct mg_config *config,
                         struct mg_error *error)
{
    if (endpoint->way == MG_WAY_TLS)
        endpoint->next_tls = make_tls(config, error);
    return endpoint->way != MG_WAY_TLS || endpoint->next_tls;
}

void mg_endpoint_commit(struct mg_endpoint *endpoint, struct mg_config *config)
{
    if (endpoint->next_tls) {
        mg_http_server_exchange(endpoint->server, endpoint->next_tls, &limits);
        SSL_CTX_free(endpoint->tls);
        endpoint->tls = endpoint->next_tls;
        endpoint->next_tls = NULL;
    }
    mg_config_hold(config);
    mg_config_release(endpoint->config);
    endpoint->config = config;
}

void mg_endpoint_abandon(struct mg_endpoint *endpoint)
{
    SSL_CTX_free(endpoint->next_tls);
    endpoint->next_tls = NULL;
}

void mg_endpoint_set_store(struct mg_endpoint *endpoint, X509_STORE *store)
{
    if (endpoint->tls)
        mg_tls_set_store(endpoint->tls, store);
}

void mg_endpoint_free(struct mg_endpoint *endpoint)
{
    struct mg_ask *ask;
    if (!endpoint)
        return;
    mg_http_server_free(endpoint->server);
    while ((ask = LIST_FIRST(&endpoint->asks))) {
        LIST_REMOVE(ask, entry);
        ask->endpoint = NULL;
    }
    if (endpoint->way == MG_WAY_SOCKET && endpoint->local.number != 0)
        mg_local_remove(&endpoint->local, endpoint->address);
    SSL_CTX_free(endpoint->next_tls);
    SSL_CTX_free(endpoint->tls);
    mg_config_release(endpoint->config);
    free(endpoint->address);
    free(endpoint);
}
