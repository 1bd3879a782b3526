/* Where messages come in and go out: listeners, sources, destinations, and the routes between them.
 */
#include "gateway/config/credentials.h"

#include <stdlib.h>
#include <string.h>

/* HOST:PORT, [IPv6]:PORT or *:PORT; whether the host exists shows when the gateway listens. */
static void check_address(struct mg_reader *reader, const xmlNode *element, const char *address)
{
    const char *colon = strrchr(address, ':');
    int64_t port;
    if (!colon || colon == address || !mg_value_read(MG_VALUE_COUNT, colon + 1, &port) ||
        port > 65535)
        mg_reader_problem(reader, element, false,
                          "address=\"%.100s\" is not HOST:PORT, [IPv6]:PORT or *:PORT with a port "
                          "up to 65535",
                          address);
}

static void check_address_is_new(struct mg_reader *reader, const xmlNode *element,
                                 const struct mg_config_listener *listener)
{
    const struct mg_config *config = reader->config;
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct mg_config_listener *other = &config->listeners[i];
        if (strcmp(other->address, listener->address) == 0)
            mg_reader_problem(reader, element, false,
                              "the address %.100s is already that of the listener at %s:%d",
                              listener->address, other->place.file, other->place.line);
    }
}

void mg_read_listeners(struct mg_reader *reader)
{
    struct mg_config *config = reader->config;
    size_t most = mg_reader_count(reader, "listener");
    config->listeners = mg_arena_allocate(reader->arena, most, sizeof *config->listeners);
    mg_names_start(&reader->snapshot->listeners, reader->arena, most);
    struct mg_cursor cursor = {0};
    for (xmlNode *element; (element = mg_reader_next(reader, "listener", &cursor));) {
        struct mg_config_listener *listener = &config->listeners[config->listener_count];
        listener->place = mg_reader_place(reader, element);
        listener->name = mg_reader_text_or(reader, element, "name", "");
        listener->address = mg_reader_text_or(reader, element, "address", "");
        mg_numbers_default(mg_numbers_listener, &listener->limits);
        mg_reader_numbers(reader, element, mg_numbers_listener, &listener->limits);
        check_address(reader, element, listener->address);
        if (!strchr(listener->address, ':') || strcmp(strrchr(listener->address, ':'), ":0") != 0)
            check_address_is_new(reader, element, listener);
        mg_names_add(&reader->snapshot->listeners, listener->name, &listener->place,
                     config->listener_count++);
    }
    mg_reader_finish_names(reader, "listener", &reader->snapshot->listeners);
}

/* Attributes that are ours; all others without a namespace are parameters of the adapter. */
static const char *const source_attributes[] = {"name",    "adapter",   "listener",
                                                "partner", "isolation", NULL};
static const char *const destination_attributes[] = {
    "title",           "place",   "name",        "adapter", "listener",   "partner",
    "isolation",       "seal",    "paused",      "ordered", "after-dead", "timeout",
    "tls-certificate", "tls-key", "concurrency", NULL};

static bool is_parameter(const xmlAttr *attribute, const char *const *own)
{
    if (attribute->ns)
        return false;
    for (; *own; own++) {
        if (strcmp((const char *)attribute->name, *own) == 0)
            return false;
    }
    return true;
}

static struct mg_config_parameter *read_parameters(struct mg_reader *reader, const xmlNode *element,
                                                   const char *const *own, size_t *count)
{
    size_t most = 0;
    for (const xmlAttr *attribute = element->properties; attribute; attribute = attribute->next)
        most++;
    struct mg_config_parameter *parameters =
        mg_arena_allocate(reader->arena, most, sizeof *parameters);
    *count = 0;
    for (const xmlAttr *attribute = element->properties; attribute; attribute = attribute->next) {
        if (!is_parameter(attribute, own))
            continue;
        const char *name = mg_arena_text(reader->arena, (const char *)attribute->name);
        parameters[(*count)++] = (struct mg_config_parameter){
            .name = name, .value = mg_reader_text_or(reader, element, name, "")};
    }
    return parameters;
}

/* <retry> of one element: what it does not say stays as it was. */
static void read_retry(struct mg_reader *reader, const xmlNode *element,
                       struct mg_config_retry *retry)
{
    mg_reader_numbers(reader, element, mg_numbers_retry, retry);
    if (retry->longest < retry->first)
        mg_reader_problem(reader, element, false,
                          "longest is shorter than first: the longest pause cannot be shorter than "
                          "the first");
    if (retry->give_up < retry->first)
        mg_reader_problem(reader, element, false,
                          "give-up is shorter than first: there would never be a second attempt");
}

/* The <retry> below <gateway>, which holds for every destination that does not say otherwise. */
static struct mg_config_retry read_common_retry(struct mg_reader *reader)
{
    struct mg_config_retry retry = {0};
    mg_numbers_default(mg_numbers_retry, &retry);
    struct mg_cursor cursor = {0};
    const xmlNode *first = mg_reader_next(reader, "retry", &cursor);
    if (!first)
        return retry;
    struct mg_config_place place = mg_reader_place(reader, first);
    read_retry(reader, first, &retry);
    for (const xmlNode *again; (again = mg_reader_next(reader, "retry", &cursor));)
        mg_reader_problem(reader, again, false,
                          "<retry> is already said at %s:%d; keep one of both", place.file,
                          place.line);
    return retry;
}

static const char *read_listener(struct mg_reader *reader, const xmlNode *element)
{
    const struct mg_names *listeners = &reader->snapshot->listeners;
    const char *listener = mg_reader_text(reader, element, "listener");
    if (listener && mg_names_find(listeners, listener) == MG_NAME_UNKNOWN)
        mg_reader_unknown(reader, element, "listener", listener, listeners);
    return listener;
}

static const struct mg_config_partner *read_partner(struct mg_reader *reader,
                                                    const xmlNode *element)
{
    const char *name = mg_reader_text(reader, element, "partner");
    if (!name)
        return NULL;
    const struct mg_config_partner *partner = mg_config_partner(reader->config, name);
    if (!partner)
        mg_reader_unknown(reader, element, "partner", name, &reader->snapshot->partners);
    return partner;
}

/* The attribute isolation and the element <process>, which says more of it. */
static void read_process(struct mg_reader *reader, const xmlNode *element,
                         struct mg_config_process *process)
{
    static const char *const words[] = {"standard", "none", "process", NULL};
    process->isolation = (enum mg_isolation)mg_reader_choice(reader, element, "isolation",
                                                             MG_DEFAULT_ISOLATION, words);
    mg_numbers_default(mg_numbers_process, process);
    const xmlNode *details = mg_reader_child(element, "process", NULL);
    if (!details)
        return;
    if (process->isolation == MG_ISOLATION_NONE)
        mg_reader_problem(reader, details, false,
                          "<process> is of no use with isolation=\"none\"; leave one of both out");
    mg_reader_numbers(reader, details, mg_numbers_process, process);
    process->user = mg_reader_text(reader, details, "user");
    const char *path = mg_reader_text(reader, details, "socket");
    if (path)
        process->socket = mg_reader_path(reader, path);
}

static bool read_boolean(struct mg_reader *reader, const xmlNode *element, const char *attribute)
{
    static const char *const words[] = {"false", "true", NULL};
    return mg_reader_choice(reader, element, attribute, "false", words) == 1;
}

static void read_order(struct mg_reader *reader, const xmlNode *element,
                       struct mg_config_destination *destination)
{
    static const char *const words[] = {"wait", "continue", NULL};
    destination->ordered = read_boolean(reader, element, "ordered");
    destination->pass_dead =
        mg_reader_choice(reader, element, "after-dead", MG_DEFAULT_AFTER_DEAD, words) == 1;
    if (!destination->ordered)
        return;
    if (mg_reader_text(reader, element, "concurrency") && destination->concurrency > 1)
        mg_reader_problem(reader, element, false,
                          "with ordered=\"true\" there is one delivery at a time; leave "
                          "concurrency out");
    destination->concurrency = 1;
}

/* The identity under which the gateway makes this destination's calls, if it is one of its own. */
static void read_call_identity(struct mg_reader *reader, const xmlNode *element,
                               struct mg_config_destination *destination)
{
    const char *certificate = mg_reader_text(reader, element, "tls-certificate");
    const char *key = mg_reader_text(reader, element, "tls-key");
    if (!certificate && !key)
        return;
    if (!certificate || !key) {
        mg_reader_problem(reader, element, false,
                          "tls-certificate and tls-key belong together: give both, or none");
        return;
    }
    destination->tls_certificate = mg_reader_path(reader, certificate);
    destination->tls_key = mg_reader_path(reader, key);
    if (reader->without_files)
        return;
    X509 *found = mg_credentials_certificate(reader, element, "tls-certificate",
                                             destination->tls_certificate);
    mg_credentials_check_key(reader, element, "tls-key", destination->tls_key, found);
    X509_free(found);
}

static void read_destination(struct mg_reader *reader, const xmlNode *element,
                             struct mg_config_destination *destination)
{
    static const char *const seal_words[] = {"detached", "enveloped", NULL};
    destination->place = mg_reader_place(reader, element);
    destination->name = mg_reader_text_or(reader, element, "name", "");
    destination->title = mg_reader_text_or(reader, element, "title", "");
    destination->site = mg_read_site(reader, element);
    destination->adapter = mg_reader_text_or(reader, element, "adapter", "");
    destination->seal =
        (enum mg_seal_form)mg_reader_choice(reader, element, "seal", MG_DEFAULT_SEAL, seal_words);
    mg_numbers_default(mg_numbers_destination, destination);
    mg_reader_numbers(reader, element, mg_numbers_destination, destination);
    read_process(reader, element, &destination->process);
    destination->paused = read_boolean(reader, element, "paused");
    read_order(reader, element, destination);
    destination->listener = read_listener(reader, element);
    destination->partner = read_partner(reader, element);
    read_call_identity(reader, element, destination);
    const xmlNode *retry = mg_reader_child(element, "retry", NULL);
    if (retry)
        read_retry(reader, retry, &destination->retry);
    destination->parameters =
        read_parameters(reader, element, destination_attributes, &destination->parameter_count);
}

void mg_read_destinations(struct mg_reader *reader)
{
    struct mg_config *config = reader->config;
    struct mg_config_retry retry = read_common_retry(reader);
    size_t most = mg_reader_count(reader, "destination");
    config->destinations = mg_arena_allocate(reader->arena, most, sizeof *config->destinations);
    mg_names_start(&reader->snapshot->destinations, reader->arena, most);
    struct mg_cursor cursor = {0};
    for (xmlNode *element; (element = mg_reader_next(reader, "destination", &cursor));) {
        struct mg_config_destination *destination =
            &config->destinations[config->destination_count];
        destination->retry = retry;
        read_destination(reader, element, destination);
        mg_names_add(&reader->snapshot->destinations, destination->name, &destination->place,
                     config->destination_count++);
    }
    mg_reader_finish_names(reader, "destination", &reader->snapshot->destinations);
}

static void read_source(struct mg_reader *reader, const xmlNode *element,
                        struct mg_config_source *source)
{
    source->place = mg_reader_place(reader, element);
    source->name = mg_reader_text_or(reader, element, "name", "");
    source->adapter = mg_reader_text_or(reader, element, "adapter", "");
    read_process(reader, element, &source->process);
    source->listener = read_listener(reader, element);
    source->partner = read_partner(reader, element);
    source->parameters =
        read_parameters(reader, element, source_attributes, &source->parameter_count);
}

void mg_read_sources(struct mg_reader *reader)
{
    struct mg_config *config = reader->config;
    struct mg_names names;
    size_t most = mg_reader_count(reader, "source");
    config->sources = mg_arena_allocate(reader->arena, most, sizeof *config->sources);
    mg_names_start(&names, reader->arena, most);
    struct mg_cursor cursor = {0};
    for (xmlNode *element; (element = mg_reader_next(reader, "source", &cursor));) {
        struct mg_config_source *source = &config->sources[config->source_count];
        read_source(reader, element, source);
        mg_names_add(&names, source->name, &source->place, config->source_count++);
    }
    mg_reader_finish_names(reader, "source", &names);
}

static void read_route(struct mg_reader *reader, const xmlNode *element, struct mg_route *route)
{
    const struct mg_names *names = &reader->snapshot->destinations;
    route->type = mg_reader_text_or(reader, element, "type", MG_DEFAULT_ROUTE_TYPE);
    route->reader = mg_reader_text_or(reader, element, "reader", "");
    mg_reader_check_type(reader, element, route->type);

    size_t count;
    const char **words = mg_reader_words(reader, element, "to", &count);
    size_t *destinations = mg_arena_allocate(reader->arena, count, sizeof *destinations);
    for (size_t i = 0; i < count; i++) {
        size_t index = mg_names_find(names, words[i]);
        bool again = false;
        for (size_t j = 0; j < route->destination_count; j++)
            again = again || destinations[j] == index;
        if (index == MG_NAME_UNKNOWN)
            mg_reader_unknown(reader, element, "destination", words[i], names);
        else if (again)
            mg_reader_problem(reader, element, false, "to names %.100s twice", words[i]);
        else
            destinations[route->destination_count++] = index;
    }
    route->destinations = destinations;
}

static void check_route_is_new(struct mg_reader *reader, const xmlNode *element,
                               const struct mg_route *route)
{
    const struct mg_config *config = reader->config;
    for (size_t i = 0; i < config->route_count; i++) {
        const struct mg_route *other = &config->routes[i];
        if (strcmp(other->type, route->type) == 0 && strcmp(other->reader, route->reader) == 0) {
            mg_reader_problem(reader, element, false,
                              "there is already a route for type=\"%.100s\" reader=\"%.100s\"; "
                              "name all its destinations in one",
                              route->type, route->reader);
            return;
        }
    }
}

void mg_read_routes(struct mg_reader *reader)
{
    struct mg_config *config = reader->config;
    config->routes =
        mg_arena_allocate(reader->arena, mg_reader_count(reader, "route"), sizeof *config->routes);
    struct mg_cursor cursor = {0};
    for (xmlNode *element; (element = mg_reader_next(reader, "route", &cursor));) {
        struct mg_route *route = &config->routes[config->route_count];
        read_route(reader, element, route);
        check_route_is_new(reader, element, route);
        config->route_count++;
    }
}
