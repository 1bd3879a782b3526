#include "gateway/operate/entrances.h"

#include "gateway/base/log.h"

#include <stdlib.h>
#include <string.h>

struct entrance {
    const char *event_open; /* for the log */
    const char *event_close;
    struct mg_endpoint *endpoint; /* NULL: none */
    struct mg_endpoint *next;     /* opened by a configuration that is being applied */
    bool prepared;                /* the endpoint for it */
};

#define ENTRANCES 2

struct mg_entrances {
    struct mg_endpoint_options options;
    struct entrance list[ENTRANCES]; /* the address, the socket */
};

/* What a configuration says of an entrance. */
struct wanted {
    const char *address; /* NULL: it is not wanted */
    enum mg_way way;
    const struct mg_config_place *place;
};

static struct wanted wanted_of(const struct mg_config *config, size_t index)
{
    const struct mg_config_status *status = &config->status;
    if (index == 0)
        return (struct wanted){status->address, status->loopback ? MG_WAY_LOOPBACK : MG_WAY_TLS,
                               &status->place};
    return (struct wanted){config->control.socket, MG_WAY_SOCKET, &config->control.place};
}

/* Where the new configuration serves, the old one serves already. */
static bool stays(const struct entrance *entrance, const struct wanted *wanted)
{
    return entrance->endpoint && wanted->address &&
           strcmp(mg_endpoint_address(entrance->endpoint), wanted->address) == 0;
}

static bool prepare(struct mg_entrances *entrances, size_t index, struct mg_config *config,
                    struct mg_error *error)
{
    struct entrance *entrance = &entrances->list[index];
    struct wanted wanted = wanted_of(config, index);
    bool ready = true;
    entrance->prepared = false;
    if (stays(entrance, &wanted)) {
        ready = mg_endpoint_prepare(entrance->endpoint, config, error);
        entrance->prepared = ready;
    } else if (wanted.address) {
        entrance->next =
            mg_endpoint_new(&entrances->options, wanted.way, config, entrance->endpoint, error);
        ready = entrance->next != NULL;
    }
    if (!ready)
        mg_error_at(error, "%s:%d", wanted.place->file, wanted.place->line);
    return ready;
}

bool mg_entrances_prepare(struct mg_entrances *entrances, struct mg_config *config,
                          struct mg_error *error)
{
    for (size_t i = 0; i < ENTRANCES; i++) {
        if (!prepare(entrances, i, config, error)) {
            mg_entrances_abandon(entrances);
            return false;
        }
    }
    return true;
}

void mg_entrances_abandon(struct mg_entrances *entrances)
{
    for (size_t i = 0; i < ENTRANCES; i++) {
        struct entrance *entrance = &entrances->list[i];
        if (entrance->prepared)
            mg_endpoint_abandon(entrance->endpoint);
        entrance->prepared = false;
        mg_endpoint_free(entrance->next);
        entrance->next = NULL;
    }
}

static void commit(struct entrance *entrance, struct mg_config *config)
{
    if (entrance->prepared) {
        mg_endpoint_commit(entrance->endpoint, config);
        entrance->prepared = false;
        return;
    }
    if (entrance->endpoint) {
        mg_log(MG_LOG_NOTICE, entrance->event_close, "address",
               mg_endpoint_address(entrance->endpoint), NULL);
        mg_endpoint_free(entrance->endpoint);
    }
    entrance->endpoint = entrance->next;
    entrance->next = NULL;
    if (entrance->endpoint)
        mg_log(MG_LOG_NOTICE, entrance->event_open, "address",
               mg_endpoint_address(entrance->endpoint), "port",
               MG_LOG_NUMBER(mg_endpoint_port(entrance->endpoint)), NULL);
}

void mg_entrances_commit(struct mg_entrances *entrances, struct mg_config *config)
{
    for (size_t i = 0; i < ENTRANCES; i++)
        commit(&entrances->list[i], config);
}

void mg_entrances_set_store(struct mg_entrances *entrances, X509_STORE *store)
{
    for (size_t i = 0; i < ENTRANCES; i++)
        if (entrances->list[i].endpoint)
            mg_endpoint_set_store(entrances->list[i].endpoint, store);
}

bool mg_entrances_any(const struct mg_entrances *entrances)
{
    return entrances->list[0].endpoint || entrances->list[1].endpoint;
}

struct mg_entrances *mg_entrances_new(const struct mg_endpoint_options *options)
{
    struct mg_entrances *entrances = mg_allocate_zeroed(1, sizeof *entrances);
    entrances->options = *options;
    entrances->list[0] =
        (struct entrance){.event_open = "status.open", .event_close = "status.close"};
    entrances->list[1] =
        (struct entrance){.event_open = "control.open", .event_close = "control.close"};
    return entrances;
}

void mg_entrances_free(struct mg_entrances *entrances)
{
    if (!entrances)
        return;
    for (size_t i = 0; i < ENTRANCES; i++) {
        mg_endpoint_free(entrances->list[i].next);
        mg_endpoint_free(entrances->list[i].endpoint);
    }
    free(entrances);
}
