/*
 * session: the connection of an instance to its broker, made anew by itself whenever it is lost.
 *
 * libmosquitto is told that we bring the threads (mosquitto_threaded_set). From then on it only
 * queues what it wants to send, acknowledgements too, and nothing leaves before
 * mosquitto_loop_write is called: that is how a source keeps its acknowledgements back until the
 * gateway has a message on disk. Each connection has a client object of its own, so that nothing
 * that was queued for an earlier one can leave with it.
 *
 * Only on the courier's thread.
 */
#ifndef MUENGSTEN_ADAPTERS_MQTT_SESSION_H
#define MUENGSTEN_ADAPTERS_MQTT_SESSION_H

#include "adapters/mqtt/mqtt.h"

#include <mosquitto.h>
#include <mqtt_protocol.h>

struct mg_session {
    struct mg_mqtt *mqtt;
    const struct mg_session_use *use;
    struct mosquitto *client; /* NULL: none */
    SSL_CTX *context;         /* NULL: without TLS */
    uint64_t number;          /* of the connection; the first is 1 */
    unsigned failures;        /* attempts in vain since it last was of use */
    bool accepted;            /* the broker has said yes */
    bool failed;              /* mg_session_fail was called for this connection */
    int64_t pause;            /* milliseconds that were asked for before the next; 0: none */
    /* Why it was lost, or cannot be made. */
    char code[32];
    char text[512];
};

/* What the two sides do with their session. */
struct mg_session_use {
    bool clean;            /* the broker shall remember nothing */
    uint32_t remember;     /* seconds that it shall remember the session without a connection */
    uint32_t largest;      /* bytes of a packet that the broker may send */
    uint16_t simultaneous; /* unacknowledged messages that the broker may send */
    /* Sets the client's callbacks; its user data is the session. */
    void (*prepare)(struct mg_session *session);
    /* The broker has accepted. */
    void (*accepted)(struct mg_session *session);
    /* Letters were opened, or something else happened: does what is to be done. */
    void (*step)(struct mg_session *session);
    /* True while nothing may be sent; then only room for so many more messages may be read. */
    bool (*holds)(struct mg_session *session);
    bool (*room)(struct mg_session *session);
    /* There is no connection (any more), as code and text say; called again with every letter while
     * it waits for its next attempt. */
    void (*lost)(struct mg_session *session);
};

/* Keeps the session until the courier ends. */
void mg_session_run(struct mg_session *session, const struct mg_session_use *use);

/* Gives the connection up; the first reason counts. */
void mg_session_fail(struct mg_session *session, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The session is of use now: tells the gateway. */
void mg_session_ready(struct mg_session *session);

/* Judges what a function of the library has returned. */
void mg_session_check(struct mg_session *session, int status);

#endif
