#include "gateway/net/http_call.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

static void on_readable(struct bufferevent *events_buffer, void *context)
{
    struct mg_http_link *link = context;
    (void)events_buffer;
    /* Nobody asked: such a peer is not in step, and its bytes must not become the next answer. */
    if (!link->call)
        mg_link_close(link);
    else
        mg_call_run(link->call);
}

static void on_written(struct bufferevent *events_buffer, void *context)
{
    struct mg_http_link *link = context;
    (void)events_buffer;
    if (link->call)
        mg_call_run(link->call);
}

static void on_event(struct bufferevent *events_buffer, short what, void *context)
{
    struct mg_http_link *link = context;
    (void)events_buffer;
    if (!link->call)
        mg_link_close(link);
    else
        mg_call_on_event(link->call, what);
    ERR_clear_error();
}

static void on_idle(void *context)
{
    mg_link_close(context);
}

/* RFC 9525: the name has to stand in subjectAltName; the common name counts for nothing. */
static void expect_peer(SSL *ssl, const struct mg_url *url)
{
    X509_VERIFY_PARAM *parameters = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                                    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    int set = url->numeric ? X509_VERIFY_PARAM_set1_ip_asc(parameters, url->host)
                           : X509_VERIFY_PARAM_set1_host(parameters, url->host, 0);
    if (set != 1 || (!url->numeric && SSL_set_tlsext_host_name(ssl, url->host) != 1))
        mg_die("OpenSSL does not take the host name of a peer");
}

struct mg_http_link *mg_link_new(struct mg_http_client *client, evutil_socket_t socket,
                                 const struct mg_url *url, bool tls, const char *peer)
{
    int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
    struct mg_http_link *link = mg_allocate_zeroed(1, sizeof *link);
    link->client = client;
    link->age = client->age;
    link->peer = mg_copy_text(peer);
    mg_deadline_begin(&link->idle, client->base, on_idle, link);
    if (tls) {
        link->ssl = SSL_new(client->tls);
        if (!link->ssl)
            mg_die("no memory for a TLS connection");
        expect_peer(link->ssl, url);
        link->events_buffer = bufferevent_openssl_socket_new(client->base, socket, link->ssl,
                                                             BUFFEREVENT_SSL_CONNECTING, options);
    } else {
        link->events_buffer = bufferevent_socket_new(client->base, socket, options);
    }
    if (!link->events_buffer)
        mg_die("no memory for a connection");
    bufferevent_setcb(link->events_buffer, on_readable, on_written, on_event, link);
    bufferevent_setwatermark(link->events_buffer, EV_WRITE, client->limits.write_buffer / 2, 0);
    bufferevent_enable(link->events_buffer, EV_READ | EV_WRITE);
    return link;
}

struct mg_http_link *mg_link_take(struct mg_http_client *client, const char *peer)
{
    struct mg_http_link *link;
    TAILQ_FOREACH(link, &client->links, entry)
    {
        if (strcmp(link->peer, peer) != 0)
            continue;
        TAILQ_REMOVE(&client->links, link, entry);
        mg_deadline_set(&link->idle, 0);
        return link;
    }
    return NULL;
}

void mg_link_keep(struct mg_http_link *link)
{
    struct mg_http_client *client = link->client;
    struct mg_http_link *other, *oldest = NULL;
    size_t count = 0;
    TAILQ_FOREACH(other, &client->links, entry)
    {
        if (strcmp(other->peer, link->peer) == 0) {
            oldest = other;
            count++;
        }
    }
    if (oldest && count >= client->idle_limit)
        mg_link_close(oldest);
    link->call = NULL;
    TAILQ_INSERT_HEAD(&client->links, link, entry);
    mg_deadline_set(&link->idle, mg_net_now() + client->limits.idle_time);
}

void mg_link_close(struct mg_http_link *link)
{
    if (!link->call)
        TAILQ_REMOVE(&link->client->links, link, entry);
    mg_deadline_end(&link->idle);
    if (link->ssl && SSL_is_init_finished(link->ssl)) {
        SSL_shutdown(link->ssl);
        ERR_clear_error();
    }
    bufferevent_free(link->events_buffer);
    free(link->peer);
    free(link);
}
