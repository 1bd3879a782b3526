#include "gateway/dispatch/clients.h"

#include "gateway/net/tls.h"

#include <stdlib.h>
#include <string.h>

/* An identity that no destination has any more keeps its client until the end, since calls may
 * still run; there are as many as were ever configured. */
struct client {
    struct client *next;
    char *certificate; /* the file; NULL: the gateway's own */
    struct mg_http_client *http;
    SSL_CTX *tls;
    SSL_CTX *next_tls; /* of the configuration that is being applied */
};

struct mg_clients {
    struct event_base *base;
    struct evdns_base *dns;
    struct client *list;
};

static bool is_same(const char *left, const char *right)
{
    return left && right ? strcmp(left, right) == 0 : left == right;
}

static struct client *find(const struct mg_clients *clients, const char *certificate)
{
    for (struct client *client = clients->list; client; client = client->next)
        if (is_same(client->certificate, certificate))
            return client;
    return NULL;
}

static bool prepare_one(struct mg_clients *clients, const struct mg_config *config,
                        const char *certificate, const char *key, struct mg_error *error)
{
    struct client *client = find(clients, certificate);
    if (client && client->next_tls)
        return true;
    if (!client) {
        client = mg_allocate_zeroed(1, sizeof *client);
        client->certificate = certificate ? mg_copy_text(certificate) : NULL;
        client->next = clients->list;
        clients->list = client;
    }
    X509_STORE *store = mg_anchors_store(config->anchors);
    client->next_tls = mg_tls_client(certificate ? certificate : config->tls_certificate,
                                     certificate ? key : config->tls_key, store, error);
    X509_STORE_free(store);
    return client->next_tls != NULL;
}

bool mg_clients_prepare(struct mg_clients *clients, const struct mg_config *config,
                        struct mg_error *error)
{
    bool prepared = prepare_one(clients, config, NULL, NULL, error);
    for (size_t i = 0; i < config->destination_count && prepared; i++) {
        const struct mg_config_destination *destination = &config->destinations[i];
        if (destination->tls_certificate)
            prepared = prepare_one(clients, config, destination->tls_certificate,
                                   destination->tls_key, error);
    }
    if (!prepared)
        mg_clients_abandon(clients);
    return prepared;
}

static void free_client(struct client *client)
{
    mg_http_client_free(client->http);
    SSL_CTX_free(client->next_tls);
    SSL_CTX_free(client->tls);
    free(client->certificate);
    free(client);
}

void mg_clients_abandon(struct mg_clients *clients)
{
    for (struct client **link = &clients->list; *link;) {
        struct client *client = *link;
        SSL_CTX_free(client->next_tls);
        client->next_tls = NULL;
        if (client->http) {
            link = &client->next;
            continue;
        }
        *link = client->next;
        free_client(client);
    }
}

/* As many connections are kept to a destination as it may have deliveries at once. */
static size_t most_deliveries(const struct mg_config *config)
{
    size_t most = 1;
    for (size_t i = 0; i < config->destination_count; i++)
        if (config->destinations[i].concurrency > most)
            most = config->destinations[i].concurrency;
    return most;
}

void mg_clients_commit(struct mg_clients *clients, const struct mg_config *config)
{
    for (struct client *client = clients->list; client; client = client->next) {
        if (!client->next_tls)
            continue;
        const struct mg_http_client_options options = {
            .tls = client->next_tls,
            .dns = clients->dns,
            .proxy = config->proxy,
            .idle_limit = most_deliveries(config),
        };
        if (client->http)
            mg_http_client_exchange(client->http, &options);
        else
            client->http = mg_http_client_new(clients->base, &options);
        SSL_CTX_free(client->tls);
        client->tls = client->next_tls;
        client->next_tls = NULL;
    }
}

struct mg_http_client *mg_clients_find(const struct mg_clients *clients, const char *certificate)
{
    const struct client *client = clients ? find(clients, certificate) : NULL;
    return client ? client->http : NULL;
}

void mg_clients_set_store(struct mg_clients *clients, X509_STORE *store)
{
    for (struct client *client = clients->list; client; client = client->next) {
        mg_tls_set_store(client->tls, store);
        mg_http_client_forget(client->http);
    }
}

struct mg_clients *mg_clients_new(struct event_base *base, struct evdns_base *dns)
{
    struct mg_clients *clients = mg_allocate_zeroed(1, sizeof *clients);
    clients->base = base;
    clients->dns = dns;
    return clients;
}

void mg_clients_free(struct mg_clients *clients)
{
    if (!clients)
        return;
    for (struct client *client = clients->list, *next; client; client = next) {
        next = client->next;
        free_client(client);
    }
    free(clients);
}
