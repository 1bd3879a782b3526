/*
 * remote_inside: what the parts of remote know of an instance. Internal to the room.
 *
 * Each part deals with one chapter of docs/adapter-protocol.md: remote.c with the life of the
 * program, the others with what their names say. What travels has a number; what a number names
 * ends with the program at the latest (…_break_off).
 */
#ifndef MUENGSTEN_ISOLATION_REMOTE_INSIDE_H
#define MUENGSTEN_ISOLATION_REMOTE_INSIDE_H

#include "gateway/isolation/channel.h"
#include "gateway/isolation/hello.h"
#include "gateway/isolation/numbers.h"
#include "gateway/isolation/remote.h"

/* Submissions, calls, reads and requests of one program at once. */
#define MG_REMOTE_MOST_SUBMISSIONS 64
#define MG_REMOTE_MOST_CALLS       64
/* Bodies of calls, in largest contents of a frame. */
#define MG_REMOTE_CALL_CONTENTS 4
#define MG_REMOTE_MOST_READS    32
#define MG_REMOTE_MOST_REQUESTS 64
#define MG_REMOTE_MOST_COUNTERS 64
#define MG_REMOTE_MOST_ROUTES   64
#define MG_REMOTE_MOST_FIELDS   64
/* Answers of ours that it has not read yet: it may ask for a whole round of the loop before the
 * first answer is even written, and for some more. */
#define MG_REMOTE_MOST_ANSWERS 1024
/* Bytes that may wait for a program that does not read. Whatever has a size of its own to it is
 * put off (deliveries) or broken off (requests, calls) beyond. */
#define MG_REMOTE_OUTPUT (8U * 1024 * 1024)

enum life {
    LIFE_PAUSED,  /* until the next start */
    LIFE_AWAITED, /* until a program connects to the socket */
    LIFE_GREETED, /* hello was sent */
    LIFE_OPENING, /* open was sent */
    LIFE_READY,
    LIFE_DYING, /* the stream or the process has ended: the other end is waited for */
};

struct mg_door;        /* the socket that a program connects to */
struct remote_route;   /* remote_http.c */
struct remote_counter; /* remote_services.c */

struct mg_remote {
    struct mg_remote_options options;
    const struct mg_gateway *gateway;
    struct mg_instance *instance;
    struct mg_instance_facts facts;
    char *path, *user, *socket; /* of options.process */

    enum life life;
    struct mg_child *child;
    struct mg_channel *channel;
    struct mg_door *door;
    int64_t refused_at; /* when a visitor was last said to be the wrong one */
    pid_t pid;
    struct mg_timer *deadline; /* of the phase of life, or the pause */
    struct mg_timer *ping, *pong;
    bool exited, stream_ended;
    bool leaving;        /* not started again */
    struct mg_error end; /* why it is ending */
    struct mg_error down;
    bool said_down; /* the program itself says that it can do nothing */
    int64_t pause;  /* the last one */
    int64_t ready_since;
    int64_t restarts;
    int64_t restarted; /* when last */

    struct mg_numbers deliveries, submissions, exchanges, calls;
    size_t call_bytes;                        /* of the bodies of calls underway */
    struct remote_delivery *held, **held_end; /* not sent yet */
    size_t reading;                           /* reads underway on other threads */
    struct remote_request *requests;          /* of boxes, underway */
    size_t request_count;
    struct remote_route *routes;
    size_t route_count;
    struct remote_counter *counters;
    size_t counter_count;
    /* What it may do unasked: a bucket that fills with time. */
    double budget;
    int64_t budget_at;
    struct mg_timer *rest; /* while the channel is paused */
    /* Where in the stream the last answers end; the oldest of them is the next to be replaced. */
    uint64_t answers[MG_REMOTE_MOST_ANSWERS];
    size_t oldest_answer;
};

/* remote.c */
bool mg_remote_is_ready(const struct mg_remote *remote);
/* Ends the program and what it has underway, and starts it again after a pause. Inside a frame
 * handler nothing may be done with the remote afterwards; rather make the frame wrong there. */
void mg_remote_break_off(struct mg_remote *remote, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void mg_remote_log(struct mg_remote *remote, enum mg_level level, const char *event,
                   const char *text);
/* As mg_channel_send, for a frame that the program has asked for. Who asks for more than it reads
 * is ended. */
bool mg_remote_send_answer(struct mg_remote *remote);

/* Frames. A handler may use the writer of the remote's channel: one frame at a time. */
typedef void mg_remote_handler(struct mg_remote *remote, struct mg_frame *frame);

/* remote_deliver.c */
mg_remote_handler mg_remote_on_done, mg_remote_on_read;
void mg_remote_send_held(struct mg_remote *remote);
void mg_remote_break_off_deliveries(struct mg_remote *remote, const char *code, const char *text);
/* Writes message and parts, and the content, into a frame that was begun; false as
 * mg_channel_send. */
bool mg_remote_send_message(struct mg_remote *remote, struct mg_frame_writer *writer,
                            struct mg_delivery *delivery);
/* Deliveries of a box, with numbers of their own. */
int64_t mg_remote_add_taken(struct mg_remote *remote, struct mg_delivery *delivery);
mg_remote_handler mg_remote_on_release;

/* remote_submit.c */
mg_remote_handler mg_remote_on_submit, mg_remote_on_append, mg_remote_on_abort;
void mg_remote_break_off_submissions(struct mg_remote *remote);
void mg_remote_put_refusal(struct mg_frame_writer *writer, const struct mg_refusal *refusal);

/* remote_http.c */
mg_remote_handler mg_remote_on_route, mg_remote_on_answer, mg_remote_on_report;
bool mg_remote_open_routes(struct mg_remote *remote);
void mg_remote_break_off_exchanges(struct mg_remote *remote);
void mg_remote_forget_routes(struct mg_remote *remote);
/* The exchange of that number, or NULL. */
struct mg_exchange *mg_remote_exchange(const struct mg_remote *remote, int64_t number);

/* remote_call.c */
mg_remote_handler mg_remote_on_call, mg_remote_on_call_cancel;
void mg_remote_break_off_calls(struct mg_remote *remote);
/* Reads an array of arrays of a name and a value; at most MG_REMOTE_MOST_FIELDS. */
size_t mg_remote_fields(struct mg_frame *frame, struct mg_field *fields);
void mg_remote_put_fields(struct mg_frame_writer *writer, const struct mg_field *fields,
                          size_t count);

/* remote_box.c */
mg_remote_handler mg_remote_on_box, mg_remote_on_list, mg_remote_on_take, mg_remote_on_settle;
void mg_remote_break_off_requests(struct mg_remote *remote);

/* remote_services.c */
mg_remote_handler mg_remote_on_log, mg_remote_on_count, mg_remote_on_state;
/* Takes what a frame costs out of the budget; rests where it is used up. */
void mg_remote_spend(struct mg_remote *remote, int cost);
void mg_remote_forget_counters(struct mg_remote *remote);
/* Whether a code has the form of one, and is none of an operator's act. */
bool mg_remote_is_code(const char *code);

#endif
