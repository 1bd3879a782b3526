/*
 * muengsten/adapter.h: the only header an adapter includes.
 *
 * An adapter connects the gateway with systems that speak one protocol. It is a shared object with
 * one exported function, mg_adapter_entry, which returns a description of the adapter. Each
 * <source> and <destination> of the configuration that names the adapter is an *instance*, opened
 * with the parameters that stand there. An instance of a source brings messages in
 * (mg_gateway.submit_*), an instance of a destination takes messages out (mg_adapter.deliver).
 *
 * Threads. Everything is called on one thread, the event loop's, and must return at once: no call
 * of an adapter may block or compute for long. What blocks is given to mg_gateway.work, whose work
 * function runs on another thread and whose done function runs on the loop again. The functions of
 * struct mg_gateway may be called on the loop's thread only, except delivery_read and log, which
 * any thread may call.
 *
 * Versions. Structures begin with their size as the one who fills them knows it. A newer gateway
 * adds members at the end only; whoever reads a structure looks at no member beyond its size, and
 * the gateway writes no further into a structure of the adapter's than its size says.
 * MG_ADAPTER_ABI grows by one with each set of additions, and the gateway goes on loading older
 * adapters; what came with which version stands at the member.
 *
 * Isolation. What does not come with the gateway runs in a process of its own
 * (muengsten-adapter-host), in which this header means the same: there the adapter reaches the
 * gateway through a socket. Programs in any language speak over that socket themselves
 * (docs/adapter-protocol.md).
 *
 * Ownership. Texts and structures passed into a function are borrowed until it returns, unless said
 * otherwise. Handles (delivery, submission, exchange, …) belong to the gateway and end where it is
 * said.
 *
 * On whose behalf an adapter submits is never the adapter's to say: the gateway takes it from the
 * configuration of the source, or from the certificate of the connection.
 */
#ifndef MUENGSTEN_ADAPTER_H
#define MUENGSTEN_ADAPTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MG_ADAPTER_ABI 2

/* ---- what an adapter declares ---- */

enum mg_parameter_kind {
    MG_PARAMETER_TEXT,
    MG_PARAMETER_NUMBER,  /* a whole number */
    MG_PARAMETER_SECONDS, /* a whole number of seconds */
    MG_PARAMETER_BOOLEAN, /* "true" or "false" */
    MG_PARAMETER_URL,     /* https://… (http://… only for hosts on loopback) */
    MG_PARAMETER_FOLDER,  /* a folder that exists and can be written to; relative to the
                             configuration */
    MG_PARAMETER_FILE,    /* a file that can be read; relative to the configuration */
};

enum mg_parameter_use { MG_USED_BY_SOURCE = 1, MG_USED_BY_DESTINATION = 2, MG_USED_BY_BOTH = 3 };

/* One parameter an instance may have: an attribute of <source> or <destination>. The gateway checks
 * the values against it, also with `muengstend -t`, before an instance is opened. */
struct mg_parameter {
    const char *name;
    enum mg_parameter_kind kind;
    enum mg_parameter_use use;
    bool required;
    const char *standard; /* the value where none is given; NULL: none */
    int64_t smallest;     /* of numbers and seconds */
    int64_t largest;
    const char *description; /* one sentence, for error messages and documents */
};

struct mg_gateway;    /* what the gateway offers, below */
struct mg_instance;   /* the gateway's side of an instance */
struct mg_delivery;   /* a message on its way out */
struct mg_submission; /* a message on its way in */
struct mg_exchange;   /* an HTTP request from outside */
struct mg_call;       /* an HTTP request of the adapter's own */
struct mg_timer;
struct mg_watch;
struct mg_counter;

/* What an instance is opened with; valid until it is closed. */
struct mg_instance_facts {
    size_t size;
    const char *name; /* of the source or destination */
    bool is_source;
    bool is_destination;
    /* Since ABI 2 */
    const char *prefix;  /* the path at and below which its HTTP routes stand; NULL: no listener */
    const char *partner; /* on whose behalf it brings messages or replies; NULL: none is bound */
};

enum mg_adapter_ability {
    MG_CAN_BRING = 1,      /* may be a source */
    MG_CAN_TAKE = 2,       /* may be a destination */
    MG_NEEDS_LISTENER = 4, /* as a source: needs the attribute listener and serves HTTP there */
    /* Since ABI 2 */
    MG_IS_COLLECTED = 8, /* as a destination: what waits for it is collected (box_take) instead of
                            delivered; it needs the attributes listener and partner, and only that
                            partner's requests reach its routes */
};

struct mg_adapter {
    size_t size;
    unsigned abi;        /* MG_ADAPTER_ABI */
    const char *name;    /* as in adapter="…" */
    const char *version; /* of the adapter, for people */
    unsigned abilities;  /* of enum mg_adapter_ability */
    const struct mg_parameter *parameters;
    size_t parameter_count;

    /* Opens an instance: reads parameters, starts timers and routes. Returns the adapter's own
     * state, or NULL after mg_gateway.fail with a reason. No message comes or goes before every
     * instance is open. */
    void *(*open)(const struct mg_gateway *gateway, struct mg_instance *instance,
                  const struct mg_instance_facts *facts);

    /* Ends an instance: every delivery of it has been completed by then, and every work function is
     * done; timers, watches, routes and calls end by themselves afterwards, and mg_gateway.work
     * takes nothing more. Frees the state. */
    void (*close)(void *state);

    /* Takes a message out. Returns at once; completes with mg_gateway.delivery_done, perhaps before
     * returning, exactly once. Only for destinations. */
    void (*deliver)(void *state, struct mg_delivery *delivery);

    /* The delivery is no longer wanted (its deadline has passed, or the gateway stops): complete it
     * soon, with a temporary error if it is not known to have arrived. NULL: the adapter completes
     * in its own time. */
    void (*cancel)(void *state, struct mg_delivery *delivery);
};

/* The one function an adapter exports. gateway_abi is the newest the gateway knows; NULL if the
 * adapter cannot work with it. The description lives as long as the shared object. */
typedef const struct mg_adapter *(*mg_adapter_entry_function)(unsigned gateway_abi);
const struct mg_adapter *mg_adapter_entry(unsigned gateway_abi);

/* ---- messages going out ---- */

enum mg_message_part {
    MG_MESSAGE_DOCUMENT =
        0,               /* the XML document: with the seal inside it if the destination says so */
    MG_MESSAGE_SEAL = 1, /* the detached seal; size -1 if it is inside the document */
    MG_MESSAGE_ORIGINAL = 2, /* the body as the sender handed it in, with the sender's signature */
    MG_MESSAGE_ATTACHMENT = 16 /* and the following */
};

struct mg_message_facts {
    size_t size;
    const char *id; /* the gateway's id: the same in every repetition of a delivery */
    const char *uuid;
    const char *profile;
    const char *type_list;
    const char *type_version;
    const char *type_code;
    const char *type_name;
    const char *created;
    const char *author;
    const char *reader;
    const char *partner;  /* who handed it in */
    int64_t accepted;     /* milliseconds since 1970 */
    unsigned attachments; /* how many */
};

struct mg_part_facts {
    size_t size;
    int64_t length;         /* bytes; -1: there is no such part */
    const char *media_type; /* such as "application/xml" */
    const char *name;       /* file name of an attachment; may be empty */
    const char
        *content_id; /* for multipart/related, without angle brackets; the seal refers to it */
};

enum mg_outcome_kind {
    MG_DELIVERED, /* the system has it */
    MG_TEMPORARY, /* try again later */
    MG_PERMANENT, /* trying again is of no use: dead letter */
};

/*
 * A code is a word of letters, digits, dots, hyphens and underscores, at most 47 of them, best with
 * the adapter's name in front. What stands for things that the gateway itself does is no code for
 * an outcome: accepted, cancelled, collected, dead, delivered (but of what is MG_DELIVERED),
 * mailbox.not-collected, returned, and whatever begins with destination., gateway., operator.,
 * reply., restore. or store. Where the code is one of these, or no such word, or is missing though
 * the message is not delivered, the gateway records "adapter.code" instead; kind and text count.
 */
struct mg_outcome {
    size_t size;
    enum mg_outcome_kind kind;
    const char *code;    /* stable, such as "http.503"; for delivered may be NULL; see below */
    const char *text;    /* a sentence; no content of messages, no personal data */
    int64_t retry_after; /* milliseconds that the system asked to wait; 0: it did not */
    /* Since ABI 2: what the system answered, a message that enters the gateway like any other, on
     * behalf of the partner that the destination is bound to. Only with MG_DELIVERED; copied. The
     * delivery is over when the reply is on disk; if that fails for now, the delivery is repeated.
     */
    const void *reply; /* NULL: none */
    size_t reply_length;
    const char *reply_media_type; /* Content-Type with its parameters */
};

/* ---- messages coming in ---- */

/* Why something was refused; texts are valid until the callback returns. */
struct mg_refusal {
    size_t size;
    int status;          /* the HTTP status that says the same */
    const char *code;    /* stable, such as "signature.missing"; docs/errors.md */
    const char *title;   /* what kind of refusal, in a few words */
    const char *text;    /* what to change, in a sentence */
    const char *place;   /* where, such as "line 12, element uuid"; may be empty */
    const char *message; /* the sender's message UUID, as far as it was read; may be empty */
    int64_t retry_after; /* seconds; 0: none */
};

struct mg_submission_spec {
    size_t size;
    struct mg_exchange *exchange; /* the HTTP request it comes by, or NULL */
    const char *media_type;       /* Content-Type with its parameters */
    const char *content_encoding; /* "gzip", or NULL */
    int64_t length;               /* announced bytes; -1: not known */
};

enum mg_submission_result { MG_ACCEPTED, MG_REPEATED, MG_REFUSED };

struct mg_submission_end {
    size_t size;
    enum mg_submission_result result;
    const char *id; /* the gateway's id; of the first acceptance if repeated; NULL if refused */
    const void *receipt; /* the signed receipt; NULL if refused */
    size_t receipt_length;
    const struct mg_refusal *refusal; /* NULL if accepted or repeated */
};

/* ---- messages that are collected (since ABI 2) ---- */

/* What waits for a destination whose adapter has MG_IS_COLLECTED, like letters in a box. */
struct mg_box_facts {
    size_t size;
    int64_t waiting; /* messages that nobody has taken or acknowledged, taken ones included */
    int64_t taken;   /* of them taken at this moment, so that nobody else gets them */
    int64_t bytes;   /* of the documents of those waiting */
    int64_t oldest;  /* when the oldest was accepted, milliseconds since 1970; 0: none waits */
};

struct mg_box_entry {
    size_t size;
    const char *id;   /* the gateway's */
    const char *uuid; /* the sender's */
    const char *type; /* profile:code */
    const char *author;
    const char *reader;
    const char *partner; /* who handed it in */
    int64_t accepted;    /* milliseconds since 1970 */
    int64_t length;      /* bytes of the document */
    int attempts;        /* how often it was taken so far */
};

struct mg_box_list {
    size_t size;
    const struct mg_box_entry *const *entries; /* oldest first; none of them taken at this moment */
    size_t count;
    const char *next;                 /* where to go on; NULL: this was the end */
    const struct mg_refusal *refusal; /* NULL unless it failed */
};

enum mg_settlement {
    MG_COLLECTED, /* the reader has it: over */
    MG_RETURNED,  /* the reader does not want it now: waits again */
};

/* ---- HTTP ---- */

struct mg_field {
    const char *name;
    const char *value;
};

struct mg_request {
    size_t size;
    const char *method;
    const char *path;  /* without the query */
    const char *query; /* without the question mark; may be empty */
    const struct mg_field *fields;
    size_t field_count;
    int64_t length; /* of the body; -1: not announced */
};

/* How a request goes on that the adapter took with exchange_take. */
struct mg_exchange_events {
    size_t size;
    void (*on_data)(struct mg_exchange *exchange, const void *bytes, size_t length, void *context);
    void (*on_end)(struct mg_exchange *exchange, void *context);
    /* The connection is gone: release what belongs to the exchange; it may no longer be used. */
    void (*on_abort)(struct mg_exchange *exchange, void *context);
};

/* Called with the head of a request for a route. Has to answer, or to take the request, before it
 * returns. */
typedef void (*mg_route_function)(struct mg_exchange *exchange, const struct mg_request *request,
                                  void *state);

struct mg_response {
    size_t size;
    int status;
    const struct mg_field *fields;
    size_t field_count;
};

struct mg_call_spec {
    size_t size;
    const char *method;
    const char *url;
    const struct mg_field *fields;
    size_t field_count;
    int64_t length;  /* of the body; -1: chunked; 0: none */
    int64_t timeout; /* milliseconds for the whole call; 0: none of its own */
    /* Bytes of the body from offset, up to size; 0 at the end, -1 to break off. */
    ssize_t (*on_body)(int64_t offset, void *bytes, size_t size, void *context);
    void (*on_response)(const struct mg_response *response, void *context); /* may be NULL */
    void (*on_data)(const void *bytes, size_t length, void *context);       /* may be NULL */
    /* Once and last; code and text are NULL if the response came completely. */
    void (*on_done)(const char *code, const char *text, void *context);
    void *context;
};

/* Whether an instance can do its work; since ABI 2. */
enum mg_state {
    MG_STATE_READY, /* the state of every instance at first */
    MG_STATE_DOWN,  /* its system cannot be reached, or the like */
};

enum mg_level { MG_LEVEL_ERROR, MG_LEVEL_WARNING, MG_LEVEL_NOTICE, MG_LEVEL_INFO, MG_LEVEL_DEBUG };

/* ---- what the gateway offers ---- */

struct mg_gateway {
    size_t size;
    unsigned abi;
    const char *version; /* of the gateway, for people */

    /* Parameters: the checked value, or the standard, or NULL resp. 0 and false where neither is.
     * Texts live as long as the instance; folders and files come as absolute paths. */
    const char *(*parameter_text)(struct mg_instance *instance, const char *name);
    int64_t (*parameter_number)(struct mg_instance *instance, const char *name);
    bool (*parameter_boolean)(struct mg_instance *instance, const char *name);
    /* Says why open fails. */
    void (*fail)(struct mg_instance *instance, const char *code, const char *text);

    /* Log: one line, with the instance's name. Any thread. message is the gateway's id of a
     * message, or NULL. Never content of messages, never personal data. */
    void (*log)(struct mg_instance *instance, enum mg_level level, const char *event,
                const char *message, const char *text);

    /* Counters appear in the metrics under the adapter's name; name in lower_case_with_underscores.
     */
    struct mg_counter *(*counter)(struct mg_instance *instance, const char *name, const char *help);
    void (*counter_add)(struct mg_counter *counter, int64_t number);

    /* Timers: run once, after so many milliseconds. A timer ends when it has run or is cancelled.
     */
    struct mg_timer *(*timer)(struct mg_instance *instance, int64_t milliseconds,
                              void (*run)(void *context), void *context);
    void (*timer_cancel)(struct mg_timer *timer);

    /* Calls ready whenever the descriptor can be read, until the watch is ended. */
    struct mg_watch *(*watch)(struct mg_instance *instance, int descriptor,
                              void (*ready)(void *context), void *context);
    void (*watch_end)(struct mg_watch *watch);

    /* Runs work on another thread, then done on the loop. What may wait is bounded: false if it is
     * full, and when the gateway closes its instances. */
    bool (*work)(struct mg_instance *instance, void (*work)(void *context),
                 void (*done)(void *context), void *context);

    /* A delivery: its message, deadline (milliseconds from now) and number of this attempt (1: the
     * first). Facts are valid until delivery_done. */
    const struct mg_message_facts *(*delivery_message)(struct mg_delivery *delivery);
    int64_t (*delivery_deadline)(struct mg_delivery *delivery);
    int (*delivery_attempt)(struct mg_delivery *delivery);
    /* Facts of a part; its texts are valid until delivery_done. */
    void (*delivery_part)(struct mg_delivery *delivery, int part, struct mg_part_facts *facts);
    /* Up to size bytes of a part from offset: how many, 0 at its end, -1 on error. Any thread;
     * document and seal are in memory, so reading them never blocks. */
    ssize_t (*delivery_read)(struct mg_delivery *delivery, int part, int64_t offset, void *bytes,
                             size_t size);
    /* A descriptor to read a large part from, which the adapter closes; -1: read it by offset. */
    int (*delivery_descriptor)(struct mg_delivery *delivery, int part);
    /* Completes a delivery. The handle ends. */
    void (*delivery_done)(struct mg_delivery *delivery, const struct mg_outcome *outcome);

    /* A submission: begin, append the body, finish; end is called once, with the result, unless
     * submit_begin already refused (returns NULL and fills refusal) or the submission is aborted.
     * The handle ends when end is called or with submit_abort. submit_append returns false once the
     * submission is refused; end then comes without finish. */
    struct mg_submission *(*submit_begin)(struct mg_instance *instance,
                                          const struct mg_submission_spec *spec,
                                          void (*end)(const struct mg_submission_end *end,
                                                      void *context),
                                          void *context, struct mg_refusal *refusal);
    bool (*submit_append)(struct mg_submission *submission, const void *bytes, size_t length);
    void (*submit_finish)(struct mg_submission *submission);
    void (*submit_abort)(struct mg_submission *submission);

    /* The signed report on a message, for the partner who handed it in and asks by this exchange;
     * one for each exchange. end is called once, perhaps before this returns (result MG_ACCEPTED
     * with the report as receipt, or MG_REFUSED), unless the exchange ends before: answered or
     * aborted. */
    void (*report)(struct mg_instance *instance, struct mg_exchange *exchange, const char *id,
                   void (*end)(const struct mg_submission_end *end, void *context), void *context);

    /* HTTP from outside, on the listener of the instance: requests of that method whose path is the
     * pattern; a pattern that ends in "/" takes every path below it. In open only. False if the
     * instance has no listener, if the pattern is not at or below its prefix, or if it has such a
     * route already. */
    bool (*http_route)(struct mg_instance *instance, const char *method, const char *pattern,
                       mg_route_function function, void *state);
    /* Takes a request: its body comes by events, at most limit bytes (-1: the gateway's limit). */
    void (*exchange_take)(struct mg_exchange *exchange, const struct mg_exchange_events *events,
                          int64_t limit, void *context);
    /* Answers with a whole body, which is copied. The handle ends. */
    void (*exchange_answer)(struct mg_exchange *exchange, int status, const struct mg_field *fields,
                            size_t field_count, const void *body, size_t length);

    /* HTTP to outside, with the gateway's identity, kept connections and proxy. NULL if it cannot
     * begin (then fail was not called and on_done does not come). */
    struct mg_call *(*call)(struct mg_instance *instance, const struct mg_call_spec *spec);
    /* Ends a call without on_done. */
    void (*call_cancel)(struct mg_call *call);

    /* ---- since ABI 2: look at size before you call these, if older gateways matter ---- */

    /* Says whether the instance can do its work, and why not (code and text as in an outcome; NULL
     * when ready). While a destination is down it is handed no deliveries: they wait, and none of
     * them spends an attempt. Operators see the state. */
    void (*state)(struct mg_instance *instance, enum mg_state state, const char *code,
                  const char *text);

    /* The name of the partner that an exchange comes from; NULL: nobody known. For the log and for
     * answers; what the partner may do is the gateway's to judge. Valid until the exchange ends. */
    const char *(*exchange_partner)(struct mg_exchange *exchange);

    /* Collecting, for destinations with MG_IS_COLLECTED. A message that is taken is nobody else's
     * until its lease ends or it is settled; a lease outlives a restart of the gateway.
     *
     * Number, size and age of what waits; at once. */
    void (*box_facts)(struct mg_instance *instance, struct mg_box_facts *facts);
    /* Lists up to limit (at most 1000) messages that may be taken, oldest first, from where an
     * earlier list ended (its next; NULL: from the beginning). end is called once, later; the list
     * is valid until it returns. False if too much is underway, then end does not come. */
    bool (*box_list)(struct mg_instance *instance, const char *after, unsigned limit,
                     void (*end)(const struct mg_box_list *list, void *context), void *context);
    /* Takes the oldest message, or the one with this id, for so many milliseconds. end is called
     * once, later: with a delivery, whose facts and parts are read as ever and which box_close
     * ends; with NULL and no refusal if there is none; with NULL and a refusal if that message is
     * taken (box.taken), not there (box.unknown), if the destination is paused
     * (destination.paused), or the store fails. False as above. */
    bool (*box_take)(struct mg_instance *instance, const char *id, int64_t lease,
                     void (*end)(struct mg_delivery *delivery, const struct mg_refusal *refusal,
                                 void *context),
                     void *context);
    /* What tells this taking from every other of the same message: box_settle wants it back. Valid
     * until box_close. */
    const char *(*box_claim)(struct mg_delivery *delivery);
    /* Ends the handle. The message stays taken. */
    void (*box_close)(struct mg_delivery *delivery);
    /* Settles a message that was taken: id, and the claim it was taken with. end is called once,
     * later: refusal is NULL, or says that the lease has ended and somebody else may have it
     * (box.lost), that there is no such message (box.unknown), or that the store fails. Settled
     * again with the same claim, what was collected stays so, without a refusal. False as above. */
    bool (*box_settle)(struct mg_instance *instance, const char *id, const char *claim,
                       enum mg_settlement settlement,
                       void (*end)(const struct mg_refusal *refusal, void *context), void *context);
};

#ifdef __cplusplus
}
#endif

#endif
