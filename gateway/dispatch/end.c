#include "gateway/dispatch/end.h"

#include <string.h>

size_t mg_end_count(const struct mg_config *config)
{
    return config->destination_count + config->source_count;
}

static struct mg_end destination_end(const struct mg_config_destination *destination)
{
    return (struct mg_end){
        .destination = destination,
        .place = destination->place,
        .name = destination->name,
        .adapter = destination->adapter,
        .process = &destination->process,
        .listener = destination->listener,
        .partner = destination->partner,
        .parameters = destination->parameters,
        .parameter_count = destination->parameter_count,
    };
}

static struct mg_end source_end(const struct mg_config_source *source)
{
    return (struct mg_end){
        .source = source,
        .place = source->place,
        .name = source->name,
        .adapter = source->adapter,
        .process = &source->process,
        .listener = source->listener,
        .partner = source->partner,
        .parameters = source->parameters,
        .parameter_count = source->parameter_count,
    };
}

struct mg_end mg_end_at(const struct mg_config *config, size_t index)
{
    return index < config->destination_count
               ? destination_end(&config->destinations[index])
               : source_end(&config->sources[index - config->destination_count]);
}

const char *mg_end_kind(const struct mg_end *end)
{
    return end->source ? "source" : "destination";
}

bool mg_end_is_named_like(const struct mg_end *left, const struct mg_end *right)
{
    return !left->source == !right->source && strcmp(left->name, right->name) == 0;
}

static bool same_text(const char *left, const char *right)
{
    return left && right ? strcmp(left, right) == 0 : left == right;
}

static bool same_process(const struct mg_config_process *left,
                         const struct mg_config_process *right)
{
    return left->isolation == right->isolation && left->memory == right->memory &&
           left->files == right->files && same_text(left->user, right->user) &&
           same_text(left->socket, right->socket);
}

static const char *value_of(const struct mg_end *end, const char *name)
{
    for (size_t i = 0; i < end->parameter_count; i++)
        if (strcmp(end->parameters[i].name, name) == 0)
            return end->parameters[i].value;
    return NULL;
}

static bool same_parameters(const struct mg_end *left, const struct mg_end *right)
{
    if (left->parameter_count != right->parameter_count)
        return false;
    for (size_t i = 0; i < left->parameter_count; i++)
        if (!same_text(left->parameters[i].value, value_of(right, left->parameters[i].name)))
            return false;
    return true;
}

/* The longest delivery is among what a process is told; paths are relative to the file. */
static bool same_destination(const struct mg_config_destination *left,
                             const struct mg_config_destination *right)
{
    return !left || (left->timeout == right->timeout &&
                     same_text(left->tls_certificate, right->tls_certificate) &&
                     same_text(left->tls_key, right->tls_key));
}

bool mg_end_is_served_like(const struct mg_end *left, const struct mg_end *right)
{
    const char *left_partner = left->partner ? left->partner->name : NULL;
    const char *right_partner = right->partner ? right->partner->name : NULL;
    return mg_end_is_named_like(left, right) && same_text(left->adapter, right->adapter) &&
           same_text(left->place.file, right->place.file) &&
           same_text(left->listener, right->listener) && same_text(left_partner, right_partner) &&
           same_process(left->process, right->process) && same_parameters(left, right) &&
           same_destination(left->destination, right->destination);
}
