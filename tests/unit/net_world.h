/*
 * net_world: what the tests of net share: a small PKI made with OpenSSL's API, an event loop, a
 * server that answers, and peers on threads of their own that speak plain bytes over TLS, as no
 * well-behaved client would.
 */
#ifndef MUENGSTEN_TESTS_UNIT_NET_WORLD_H
#define MUENGSTEN_TESTS_UNIT_NET_WORLD_H

#include "gateway/net/http_client.h"
#include "gateway/net/http_server.h"
#include "gateway/net/tls.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct world {
    struct event_base *base;
    struct evdns_base *dns;
    char folder[64];
    X509_STORE *store; /* trusts the authority, knows its revocation list */
    SSL_CTX *server_tls;
    SSL_CTX *client_tls;
    struct mg_http_server *server;
    struct mg_http_client *client;
    struct mg_http_limits limits; /* of server and client, for those made after it was set */
    struct mg_http_handler handler;
    size_t most_memory; /* the most of world_memory while the loop ran */
    size_t rounds;      /* of the loop */
    char url[128];      /* "https://localhost:PORT" */
};

/* With server (name localhost) and client of one authority. limits and handler may be NULL. */
void world_begin(struct world *world, const struct mg_http_limits *limits,
                 const struct mg_http_handler *handler);
void world_end(struct world *world);
/* Replaces the client by one with other options. */
void world_new_client(struct world *world, SSL_CTX *tls, const char *proxy);
/* A context with the certificate NAME, a file made by world_begin: "server", "client", "revoked",
 * "expired", "stranger" (of another authority), "elsewhere" (a server of another name). store NULL:
 * the world's. */
SSL_CTX *world_tls(const struct world *world, bool server, const char *name, X509_STORE *store);
/* Runs the loop until the flag is set. False: it was not, in so many milliseconds of patience. */
bool world_run_until(struct world *world, const bool *flag, int milliseconds);
/* Runs the loop until it is so, for ten seconds of patience at most. */
bool world_wait(struct world *world, bool (*is_so)(const struct world *world));
/* Runs the loop for that time, to see that something does not happen. */
void world_run(struct world *world, int milliseconds);

/* ---- a server's handler that is good for most ---- */

/* GET /…: 200 and the target as text. POST /count: takes the body, answers with its length as text.
 * POST /echo: answers in pieces with the body. POST /refuse: 403 at once, unread. POST /never: no
 * answer. POST /small: as /count with at most 100 bytes. GET /big: 20 MB in pieces. */
void world_on_head(struct mg_http_request *request, const struct mg_http_head *head, void *context);
/* How often on_abort came to that handler, and how many requests it saw. */
extern int world_aborts, world_requests;
/* What to wait for: that one came, and that no connection is left to the server. */
bool world_one_aborted(const struct world *world);
bool world_one_requested(const struct world *world);
bool world_is_deserted(const struct world *world);
/* Bytes that the process has allocated; 0 where a sanitizer or valgrind does the allocating. */
size_t world_memory(void);

/* ---- peers ---- */

struct peer {
    struct world *world;
    void (*script)(struct peer *peer);
    int port;
    bool plain;
    int version;             /* of TLS: TLS1_2_VERSION or TLS1_3_VERSION; 0: the newest */
    const char *certificate; /* "client" by default; "" for none */
    /* what came of it */
    char reply[256 * 1024];
    size_t length;
    char reason[256]; /* why TLS failed: OpenSSL's words, such as "tlsv1 alert unknown ca" */
    bool closed;      /* the other side ended the connection in order */
    bool reset;
    /* the thread's own */
    int listener;
    int socket;
    SSL *ssl;
    SSL_CTX *tls;
    bool reached; /* peer_reaches */
    bool told;    /* peer_tell */
    bool done;
    pthread_t thread;
};

/* Starts the script on a thread. */
void peer_start(struct peer *peer, struct world *world);
/* Runs the loop until the script is done. */
bool peer_wait(struct peer *peer);
/* Both. */
bool peer_run(struct peer *peer, struct world *world);
/* For scripts. */
bool peer_connect(struct peer *peer);
bool peer_send(struct peer *peer, const char *bytes, size_t length);
bool peer_say(struct peer *peer, const char *text);
/* Receives until the text has come, the connection ends, or patience does. NULL: until it ends. */
bool peer_hear(struct peer *peer, const char *text);
void peer_close(struct peer *peer);
/* A listening socket of the peer's own on loopback: port is set. Then, in the script, the next
 * connection. */
void peer_listen(struct peer *peer);
bool peer_accept(struct peer *peer);
/* Forgets what was heard. */
void peer_forget(struct peer *peer);
/* The script says how far it is, for the loop to wait for with world_run_until, or waits until the
 * loop's side tells it to go on. */
void peer_reaches(struct peer *peer);
void peer_tell(struct peer *peer);
void peer_wait_until_told(struct peer *peer);
/* One request, and everything that is answered until the connection ends. */
void peer_exchange(struct peer *peer, const char *text);

/* ---- calls ---- */

struct outcome {
    bool done;
    char code[48]; /* empty: complete */
    char text[1024];
    int status;
    int64_t received;
    char body[256];
    int64_t sent;
    int64_t length;  /* of the request's body, a pattern */
    int64_t stop_at; /* break the body off there; 0: not */
    bool pauses;     /* receive slowly */
    bool wrong;      /* the received body was not the pattern */
    bool check;      /* compare with the pattern */
    struct mg_http_call *call;
    struct world *world;
};

/* Calls path of the world's server with a body of so many bytes; -1 for chunked with
 * outcome->length. */
struct mg_http_call *world_call(struct world *world, const char *method, const char *url,
                                int64_t length, struct outcome *outcome);
/* The same, and waits for its end. */
bool world_call_and_wait(struct world *world, const char *method, const char *path, int64_t length,
                         struct outcome *outcome);
/* The byte of the pattern at an offset. */
char pattern_at(int64_t offset);

#endif
