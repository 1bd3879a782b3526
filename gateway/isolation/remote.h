/*
 * remote: the gateway's end of docs/adapter-protocol.md: presents a program to the host of adapters
 * as if it were an adapter inside, on nothing but the public ABI.
 *
 * An instance opens at once, whatever its program does: until that is ready, and whenever it is
 * not, the instance is down with the reason, what is to be delivered waits, and requests for its
 * routes are answered 503. A program that breaks the protocol, hangs, dies or takes too much is
 * ended and started anew after a pause that grows from a second to a minute; its running deliveries
 * end as temporary, and nothing else happens. Codes: adapter.frame (it broke the protocol),
 * adapter.died, adapter.silent (no answer to hello or open), adapter.hung (a cancelled delivery or
 * a ping without end), adapter.malformed, adapter.start, adapter.user.
 *
 * Only on the thread of the loop, but for mg_remote_describe.
 */
#ifndef MUENGSTEN_ISOLATION_REMOTE_H
#define MUENGSTEN_ISOLATION_REMOTE_H

#include "gateway/isolation/children.h"

#include <muengsten/adapter.h>

/* What the program declares in its hello: starts it, asks, and ends it, within ten seconds.
 * Blocking: for background threads and `muengstend -t`. The result is checked like any description
 * and freed with mg_remote_description_free; its functions are those of an instance below, but open
 * always fails, since that takes more than the ABI passes. NULL with the reason: adapter.silent,
 * adapter.died, adapter.frame, adapter.malformed, or of mg_process_start. */
const struct mg_adapter *mg_remote_describe(const struct mg_process_spec *spec, const char *name,
                                            struct mg_error *error);
void mg_remote_description_free(const struct mg_adapter *description);

/* Milliseconds; 0: the standard. */
struct mg_remote_times {
    int64_t hello;         /* until the answer to hello: 10 s */
    int64_t open;          /* until the answer to open: 30 s */
    int64_t cancel;        /* until a cancelled delivery is completed: 10 s */
    int64_t close;         /* until the program has exited after close: 10 s */
    int64_t ping;          /* between pings: 30 s */
    int64_t first_pause;   /* before it is started again: 1 s, twice as long each time */
    int64_t longest_pause; /* 60 s */
};

struct mg_remote_options {
    struct event_base *base;
    struct mg_children *children;
    struct mg_process_spec process;       /* copied */
    const struct mg_adapter *description; /* outlives the instance */
    int64_t longest_delivery;             /* milliseconds, as the destination's timeout says */
    size_t content;                       /* the largest content of a frame; 0: 64 MiB */
    struct mg_remote_times times;
};

/* As mg_adapter.open. NULL, after mg_gateway.fail, only for a socket that cannot be made. */
void *mg_remote_open(const struct mg_remote_options *options, const struct mg_gateway *gateway,
                     struct mg_instance *instance, const struct mg_instance_facts *facts);

/* As the functions of struct mg_adapter; the context is what mg_remote_open returned. After close
 * the program has some seconds to end; it is reaped by the children's owner. */
void mg_remote_close(void *context);
void mg_remote_deliver(void *context, struct mg_delivery *delivery);
void mg_remote_cancel(void *context, struct mg_delivery *delivery);

/* The instance is about to be closed, and has waited long enough for its program: that is ended and
 * not started again, so that whatever it has begun and not brought to an end is over. */
void mg_remote_let_go(void *context);

/* For operators; the texts are valid until the loop goes on. */
enum mg_remote_phase { MG_REMOTE_DOWN, MG_REMOTE_STARTING, MG_REMOTE_READY };
struct mg_remote_state {
    enum mg_remote_phase phase;
    const char *code; /* why it is down; "" otherwise */
    const char *text;
    int64_t restarts;  /* how often it was started again */
    int64_t restarted; /* when last, in milliseconds since 1970; 0: never */
    pid_t pid;         /* 0: none */
};
void mg_remote_state(const void *context, struct mg_remote_state *state);

#endif
