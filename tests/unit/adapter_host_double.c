#include "tests/unit/adapter_host_double.h"

#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct host host;

struct mg_instance {
    const struct mg_adapter *adapter;
    void *state;
};

struct mg_timer {
    int64_t due;
    void (*run)(void *context);
    void *context;
};

struct mg_watch {
    int descriptor;
    void (*ready)(void *context);
    void *context;
};

struct work {
    void (*work)(void *context);
    void (*done)(void *context);
    void *context;
};

struct route {
    char method[8];
    char pattern[64];
    mg_route_function function;
    void *state;
};

static struct mg_instance instance;
static struct mg_timer *timers[HOST_MANY];
static struct mg_watch *watches[HOST_MANY];
static struct work works[HOST_MANY];
static size_t work_count;
static struct route routes[4];
static size_t route_count;
static int64_t now;

static void set(struct host_bytes *bytes, const void *from, size_t length)
{
    free(bytes->bytes);
    bytes->bytes = calloc(1, length + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes->bytes);
    if (length)
        memcpy(bytes->bytes, from, length);
    bytes->length = length;
}

static void set_text(struct host_bytes *bytes, const char *text)
{
    set(bytes, text, text ? strlen(text) : 0);
}

static void add(struct host_bytes *bytes, const void *from, size_t length)
{
    bytes->bytes = realloc(bytes->bytes, bytes->length + length + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes->bytes);
    memcpy(bytes->bytes + bytes->length, from, length);
    bytes->length += length;
    bytes->bytes[bytes->length] = '\0';
}

static void set_head(struct host_bytes *head, const struct mg_field *fields, size_t count)
{
    set(head, "", 0);
    for (size_t i = 0; i < count; i++) {
        add(head, fields[i].name, strlen(fields[i].name));
        add(head, ": ", 2);
        add(head, fields[i].value, strlen(fields[i].value));
        add(head, "\n", 1);
    }
}

/* ---- parameters and log ---- */

static const char *parameter_text(struct mg_instance *of, const char *name)
{
    for (size_t i = 0; i < host.parameter_count; i++)
        if (strcmp(host.parameters[i].name, name) == 0)
            return host.parameters[i].value;
    for (size_t i = 0; i < of->adapter->parameter_count; i++)
        if (strcmp(of->adapter->parameters[i].name, name) == 0)
            return of->adapter->parameters[i].standard;
    return NULL;
}

static int64_t parameter_number(struct mg_instance *of, const char *name)
{
    const char *text = parameter_text(of, name);
    return text ? strtoll(text, NULL, 10) : 0;
}

static void fail(struct mg_instance *of, const char *code, const char *text)
{
    (void)of, (void)text;
    set_text(&host.failure, code);
}

static void write_log(struct mg_instance *of, enum mg_level level, const char *event,
                      const char *message, const char *text)
{
    (void)of, (void)level, (void)message;
    CU_ASSERT(event && *event && text && *text);
    host.log_count++;
}

static void say_state(struct mg_instance *of, enum mg_state state, const char *code,
                      const char *text)
{
    (void)of;
    CU_ASSERT(state == MG_STATE_READY || (code && *code && text && *text));
    host.state_count++;
    host.down = state == MG_STATE_DOWN;
    set_text(&host.down_code, host.down ? code : "");
}

static struct mg_counter *counter(struct mg_instance *of, const char *name, const char *help)
{
    (void)of, (void)help;
    CU_ASSERT_EQUAL(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
    return (struct mg_counter *)&host;
}

static void counter_add(struct mg_counter *of, int64_t number)
{
    CU_ASSERT(of && number > 0);
}

/* ---- timers, watches, work ---- */

static struct mg_timer *timer(struct mg_instance *of, int64_t milliseconds,
                              void (*run)(void *context), void *context)
{
    (void)of;
    for (size_t i = 0; i < HOST_MANY; i++) {
        if (timers[i])
            continue;
        timers[i] = malloc(sizeof *timers[i]);
        *timers[i] = (struct mg_timer){now + milliseconds, run, context};
        return timers[i];
    }
    CU_FAIL_FATAL("too many timers");
    return NULL;
}

static void timer_cancel(struct mg_timer *which)
{
    for (size_t i = 0; i < HOST_MANY; i++) {
        if (timers[i] == which) {
            free(which);
            timers[i] = NULL;
            return;
        }
    }
    CU_FAIL_FATAL("no such timer");
}

static struct mg_watch *watch(struct mg_instance *of, int descriptor, void (*ready)(void *context),
                              void *context)
{
    (void)of;
    for (size_t i = 0; i < HOST_MANY; i++) {
        if (watches[i])
            continue;
        watches[i] = malloc(sizeof *watches[i]);
        *watches[i] = (struct mg_watch){descriptor, ready, context};
        return watches[i];
    }
    CU_FAIL_FATAL("too many watches");
    return NULL;
}

static void watch_end(struct mg_watch *which)
{
    for (size_t i = 0; i < HOST_MANY; i++) {
        if (watches[i] == which) {
            free(which);
            watches[i] = NULL;
            return;
        }
    }
    CU_FAIL_FATAL("no such watch");
}

static bool work(struct mg_instance *of, void (*run)(void *context), void (*done)(void *context),
                 void *context)
{
    (void)of;
    if (host.full > 0) {
        host.full--;
        return false;
    }
    CU_ASSERT_FATAL(work_count < HOST_MANY);
    works[work_count++] = (struct work){run, done, context};
    return true;
}

static void no_work(void *context)
{
    (void)context;
}

void host_later(void (*run)(void *context), void *context)
{
    CU_ASSERT_FATAL(work_count < HOST_MANY);
    works[work_count++] = (struct work){no_work, run, context};
}

static bool run_work(void)
{
    if (work_count == 0 || host.holds_work)
        return false;
    struct work first = works[0];
    memmove(works, works + 1, --work_count * sizeof *works);
    if (host.before_work)
        host.before_work();
    first.work(first.context);
    host.works++;
    first.done(first.context);
    return true;
}

static bool run_timer(void)
{
    for (size_t i = 0; i < HOST_MANY; i++) {
        if (!timers[i] || timers[i]->due > now)
            continue;
        struct mg_timer due = *timers[i];
        free(timers[i]);
        timers[i] = NULL;
        due.run(due.context);
        return true;
    }
    return false;
}

static bool run_watch(void)
{
    for (size_t i = 0; i < HOST_MANY; i++) {
        struct pollfd waiting = {.fd = watches[i] ? watches[i]->descriptor : -1, .events = POLLIN};
        if (watches[i] && poll(&waiting, 1, 0) > 0) {
            watches[i]->ready(watches[i]->context);
            return true;
        }
    }
    return false;
}

void host_run(void)
{
    int rounds = 0;
    while (run_work() || run_timer() || run_watch())
        CU_ASSERT_FATAL(++rounds < 10000); /* else the adapter runs in a circle */
}

void host_step(void)
{
    CU_ASSERT(run_work() || run_timer() || run_watch());
}

void host_advance(int64_t milliseconds)
{
    host_run();
    now += milliseconds;
    host_run();
}

void host_wait(int64_t milliseconds)
{
    for (; milliseconds > 0; milliseconds -= 10) {
        host_advance(10);
        usleep(10000);
    }
    host_run();
}

int64_t host_next_timer(void)
{
    int64_t next = -1;
    for (size_t i = 0; i < HOST_MANY; i++)
        if (timers[i] && (next < 0 || timers[i]->due - now < next))
            next = timers[i]->due - now;
    return next;
}

/* ---- deliveries ---- */

static int place_of(int part)
{
    return part < MG_MESSAGE_ATTACHMENT ? part : part - MG_MESSAGE_ATTACHMENT + 3;
}

static const struct mg_message_facts *delivery_message(struct mg_delivery *delivery)
{
    return &delivery->message;
}

static int64_t delivery_deadline(struct mg_delivery *delivery)
{
    CU_ASSERT_FALSE(delivery->done);
    return 60000;
}

static int delivery_attempt(struct mg_delivery *delivery)
{
    return delivery->attempt;
}

static void delivery_part(struct mg_delivery *delivery, int part, struct mg_part_facts *facts)
{
    CU_ASSERT_EQUAL(facts->size, sizeof *facts);
    *facts = delivery->parts[place_of(part)];
}

static ssize_t delivery_read(struct mg_delivery *delivery, int part, int64_t offset, void *bytes,
                             size_t size)
{
    const char *content = delivery->contents[place_of(part)];
    CU_ASSERT_FALSE(delivery->done);
    if (!content || host.loses_content)
        return -1;
    size_t length = strlen(content) - (size_t)offset;
    if (length > size)
        length = size;
    if (host.read_at_most && length > host.read_at_most)
        length = host.read_at_most;
    memcpy(bytes, content + offset, length);
    return (ssize_t)length;
}

static int delivery_descriptor(struct mg_delivery *delivery, int part)
{
    (void)delivery, (void)part;
    return -1;
}

static void delivery_done(struct mg_delivery *delivery, const struct mg_outcome *outcome)
{
    CU_ASSERT_FALSE(delivery->done);
    delivery->done = true;
    delivery->kind = outcome->kind;
    delivery->retry_after = outcome->retry_after;
    set_text(&delivery->code, outcome->code);
    set_text(&delivery->text, outcome->text);
}

struct mg_delivery *host_delivery(const char *document, const char *seal)
{
    struct mg_delivery *delivery = calloc(1, sizeof *delivery);
    CU_ASSERT_PTR_NOT_NULL_FATAL(delivery);
    delivery->message = (struct mg_message_facts){
        .size = sizeof delivery->message, .id = "0193-id", .uuid = "uuid", .partner = "partner"};
    delivery->attempt = 2;
    for (size_t i = 0; i < 24; i++)
        delivery->parts[i] =
            (struct mg_part_facts){.size = sizeof delivery->parts[i], .length = -1};
    delivery->contents[0] = document;
    delivery->parts[0].length = (int64_t)strlen(document);
    delivery->parts[0].media_type = "application/xml";
    delivery->parts[0].content_id = "0193-id@muengsten";
    if (seal) {
        delivery->contents[1] = seal;
        delivery->parts[1].length = (int64_t)strlen(seal);
        delivery->parts[1].media_type = "application/xml";
        delivery->parts[1].content_id = "seal-0193-id@muengsten";
    }
    return delivery;
}

void host_attach(struct mg_delivery *delivery, const char *name, const char *content)
{
    int place = 3 + (int)delivery->message.attachments++;
    delivery->contents[place] = content;
    delivery->parts[place].length = (int64_t)strlen(content);
    delivery->parts[place].media_type = "text/plain";
    delivery->parts[place].name = name;
    delivery->parts[place].content_id = "attachment@muengsten";
}

void host_deliver(struct mg_delivery *delivery)
{
    instance.adapter->deliver(instance.state, delivery);
}

void host_cancel(struct mg_delivery *delivery)
{
    instance.adapter->cancel(instance.state, delivery);
}

void host_delivery_free(struct mg_delivery *delivery)
{
    free(delivery->code.bytes);
    free(delivery->text.bytes);
    free(delivery);
}

/* ---- submissions ---- */

static void end_submission(struct mg_submission *submission, enum mg_submission_result result)
{
    struct mg_refusal refusal = host.refusal;
    struct mg_submission_end end = {.size = sizeof end, .result = result};
    CU_ASSERT_FALSE(submission->ended || submission->aborted);
    submission->ended = true;
    if (result == MG_REFUSED) {
        end.refusal = &refusal;
    } else {
        end.id = "0193-id";
        end.receipt = "<receipt/>";
        end.receipt_length = 10;
    }
    submission->end(&end, submission->context);
}

void host_submission_end(struct mg_submission *submission)
{
    end_submission(submission, host.result);
}

static struct mg_submission *
submit_begin(struct mg_instance *of, const struct mg_submission_spec *spec,
             void (*end)(const struct mg_submission_end *end, void *context), void *context,
             struct mg_refusal *refusal)
{
    (void)of;
    CU_ASSERT_EQUAL(refusal->size, sizeof *refusal);
    if (host.refuses_begin) {
        *refusal = host.refusal;
        return NULL;
    }
    CU_ASSERT_FATAL(host.submission_count < HOST_MANY);
    struct mg_submission *submission = calloc(1, sizeof *submission);
    set_text(&submission->media_type, spec->media_type);
    set_text(&submission->encoding, spec->content_encoding);
    set_text(&submission->body, "");
    submission->length = spec->length;
    submission->end = end;
    submission->context = context;
    host.submissions[host.submission_count++] = submission;
    return submission;
}

static bool submit_append(struct mg_submission *submission, const void *bytes, size_t length)
{
    CU_ASSERT_FALSE(submission->ended || submission->aborted || submission->finished);
    add(&submission->body, bytes, length);
    if (!host.refuses_at || submission->body.length < host.refuses_at)
        return true;
    end_submission(submission, MG_REFUSED);
    return false;
}

static void submit_finish(struct mg_submission *submission)
{
    CU_ASSERT_FALSE(submission->ended || submission->aborted || submission->finished);
    submission->finished = true;
    if (!host.waits)
        end_submission(submission, host.result);
}

static void submit_abort(struct mg_submission *submission)
{
    CU_ASSERT_FALSE(submission->ended || submission->aborted);
    submission->aborted = true;
}

static void report(struct mg_instance *of, struct mg_exchange *exchange, const char *id,
                   void (*end)(const struct mg_submission_end *end, void *context), void *context)
{
    (void)of;
    CU_ASSERT_PTR_NOT_NULL(exchange->events);
    set_text(&host.report_id, id);
    struct mg_refusal refusal = host.refusal;
    struct mg_submission_end over = {.size = sizeof over,
                                     .result = host.result,
                                     .id = id,
                                     .receipt = "<report/>",
                                     .receipt_length = 9,
                                     .refusal = &refusal};
    end(&over, context);
}

/* ---- HTTP ---- */

static bool http_route(struct mg_instance *of, const char *method, const char *pattern,
                       mg_route_function function, void *state)
{
    (void)of;
    if (host.refuses_route)
        return false;
    CU_ASSERT_FATAL(route_count < 4);
    struct route *route = &routes[route_count++];
    snprintf(route->method, sizeof route->method, "%s", method);
    snprintf(route->pattern, sizeof route->pattern, "%s", pattern);
    route->function = function;
    route->state = state;
    return true;
}

static void exchange_take(struct mg_exchange *exchange, const struct mg_exchange_events *events,
                          int64_t limit, void *context)
{
    CU_ASSERT_PTR_NULL(exchange->events);
    exchange->events = events;
    exchange->limit = limit;
    exchange->context = context;
}

static void exchange_answer(struct mg_exchange *exchange, int status, const struct mg_field *fields,
                            size_t field_count, const void *body, size_t length)
{
    CU_ASSERT_EQUAL(exchange->status, 0);
    exchange->status = status;
    set_head(&exchange->head, fields, field_count);
    set(&exchange->body, body, length);
}

struct mg_exchange *host_request(const char *method, const char *path,
                                 const struct mg_field *fields, size_t field_count, int64_t length)
{
    struct mg_exchange *exchange = calloc(1, sizeof *exchange);
    char target[512];
    snprintf(target, sizeof target, "%s", path);
    char *query = strchr(target, '?');
    if (query)
        *query++ = '\0';
    path = target;
    struct mg_request request = {.size = sizeof request,
                                 .method = method,
                                 .path = path,
                                 .query = query ? query : "",
                                 .fields = fields,
                                 .field_count = field_count,
                                 .length = length};
    for (size_t i = 0; i < route_count; i++) {
        size_t pattern = strlen(routes[i].pattern);
        bool below = routes[i].pattern[pattern - 1] == '/';
        if (strcmp(routes[i].method, method) == 0 &&
            (below ? strncmp(path, routes[i].pattern, pattern) : strcmp(path, routes[i].pattern)) ==
                0) {
            routes[i].function(exchange, &request, routes[i].state);
            CU_ASSERT(exchange->status || exchange->events);
            return exchange;
        }
    }
    CU_FAIL_FATAL("no route");
    return exchange;
}

void host_exchange_end(struct mg_exchange *exchange)
{
    if (exchange->events)
        exchange->events->on_end(exchange, exchange->context);
}

void host_exchange_free(struct mg_exchange *exchange)
{
    free(exchange->head.bytes);
    free(exchange->body.bytes);
    free(exchange);
}

static struct mg_call *call(struct mg_instance *of, const struct mg_call_spec *spec)
{
    (void)of;
    if (host.refuses_call)
        return NULL;
    CU_ASSERT_FATAL(host.call_count < HOST_MANY);
    struct mg_call *made = calloc(1, sizeof *made);
    made->spec = *spec;
    set_text(&made->url, spec->url);
    set_head(&made->head, spec->fields, spec->field_count);
    CU_ASSERT_STRING_EQUAL(spec->method, "POST");
    host.calls[host.call_count++] = made;
    return made;
}

static void call_cancel(struct mg_call *which)
{
    CU_ASSERT_FALSE(which->over || which->cancelled);
    which->cancelled = true;
}

struct host_bytes host_call_body(struct mg_call *of, size_t piece)
{
    struct host_bytes body = {0};
    char *bytes = malloc(piece);
    set(&body, "", 0);
    for (;;) {
        ssize_t length = of->spec.on_body((int64_t)body.length, bytes, piece, of->spec.context);
        CU_ASSERT_FATAL(length >= 0);
        if (length == 0)
            break;
        add(&body, bytes, (size_t)length);
    }
    free(bytes);
    return body;
}

void host_call_answer(struct mg_call *of, int status, const char *retry_after)
{
    const struct mg_field field = {"retry-after", retry_after};
    const struct mg_response response = {
        .size = sizeof response,
        .status = status,
        .fields = &field,
        .field_count = retry_after ? 1 : 0,
    };
    of->spec.on_response(&response, of->spec.context);
}

void host_call_done(struct mg_call *of, const char *code, const char *text)
{
    CU_ASSERT_FALSE(of->over || of->cancelled);
    of->over = true;
    of->spec.on_done(code, text, of->spec.context);
}

/* ---- start and end ---- */

static bool parameter_boolean(struct mg_instance *of, const char *name)
{
    const char *text = parameter_text(of, name);
    return text && strcmp(text, "true") == 0;
}

void host_start(void)
{
    host = (struct host){
        .gateway = {.size = sizeof host.gateway,
                    .abi = MG_ADAPTER_ABI,
                    .version = "double",
                    .parameter_text = parameter_text,
                    .parameter_number = parameter_number,
                    .parameter_boolean = parameter_boolean,
                    .fail = fail,
                    .log = write_log,
                    .counter = counter,
                    .counter_add = counter_add,
                    .timer = timer,
                    .timer_cancel = timer_cancel,
                    .watch = watch,
                    .watch_end = watch_end,
                    .work = work,
                    .delivery_message = delivery_message,
                    .delivery_deadline = delivery_deadline,
                    .delivery_attempt = delivery_attempt,
                    .delivery_part = delivery_part,
                    .delivery_read = delivery_read,
                    .delivery_descriptor = delivery_descriptor,
                    .delivery_done = delivery_done,
                    .submit_begin = submit_begin,
                    .submit_append = submit_append,
                    .submit_finish = submit_finish,
                    .submit_abort = submit_abort,
                    .report = report,
                    .http_route = http_route,
                    .exchange_take = exchange_take,
                    .exchange_answer = exchange_answer,
                    .call = call,
                    .call_cancel = call_cancel,
                    .state = say_state},
        .refusal = {.size = sizeof host.refusal,
                    .status = 422,
                    .code = "schema.invalid",
                    .title = "The schema does not allow it",
                    .text = "Correct \"line\" 7.",
                    .place = "line 7, element <uuid>",
                    .message = "00000000-0000-4000-8000-000000000001"},
    };
    host_offer_box(&host.gateway);
    instance = (struct mg_instance){.adapter = mg_adapter_entry(MG_ADAPTER_ABI)};
    CU_ASSERT_PTR_NOT_NULL_FATAL(instance.adapter);
    work_count = route_count = 0;
    now = 0;
}

void host_parameter(const char *name, const char *value)
{
    host.parameters[host.parameter_count++] = (struct mg_field){name, value};
}

void *host_open(bool source)
{
    const char *path = parameter_text(&instance, "path");
    const struct mg_instance_facts facts = {
        .size = sizeof facts,
        .name = "test",
        .is_source = source,
        .is_destination = !source,
        .prefix = host.has_no_listener ? NULL
                  : path               ? path
                                       : "/test",
    };
    instance.state = instance.adapter->open(&host.gateway, &instance, &facts);
    return instance.state;
}

void host_close(void)
{
    if (instance.state)
        instance.adapter->close(instance.state);
    instance.state = NULL;
}

void host_stop(void)
{
    host_close();
    host.holds_work = false;
    while (run_work())
        ;
    CU_ASSERT_EQUAL(host_next_timer(), -1);
    CU_ASSERT_EQUAL(host.handles, 0);
    for (size_t i = 0; i < HOST_MANY; i++)
        CU_ASSERT_PTR_NULL(watches[i]);
    for (size_t i = 0; i < host.submission_count; i++) {
        struct mg_submission *submission = host.submissions[i];
        CU_ASSERT(submission->ended || submission->aborted);
        free(submission->media_type.bytes);
        free(submission->encoding.bytes);
        free(submission->body.bytes);
        free(submission);
    }
    for (size_t i = 0; i < host.call_count; i++) {
        CU_ASSERT(host.calls[i]->over || host.calls[i]->cancelled);
        free(host.calls[i]->head.bytes);
        free(host.calls[i]->url.bytes);
        free(host.calls[i]);
    }
    free(host.failure.bytes);
    free(host.down_code.bytes);
    free(host.report_id.bytes);
}

int host_silent_port(bool listening, char port[8])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    CU_ASSERT_EQUAL_FATAL(bind(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    if (listening)
        CU_ASSERT_EQUAL(listen(descriptor, 1), 0);
    CU_ASSERT_EQUAL(getsockname(descriptor, (struct sockaddr *)&address, &length), 0);
    snprintf(port, 8, "%d", ntohs(address.sin_port));
    return descriptor;
}
