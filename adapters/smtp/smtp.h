/*
 * smtp: a message as an e-mail, for the office that has nothing else: signed with a key of the
 * gateway's for that, encrypted to the office, handed to the office's or the city's mail server.
 *
 * This header is shared by the adapter's own files only. Composing, signing, encrypting and sending
 * block or compute, and are one task on another thread.
 */
#ifndef MUENGSTEN_ADAPTERS_SMTP_SMTP_H
#define MUENGSTEN_ADAPTERS_SMTP_SMTP_H

#include "adapters/common/outage.h"
#include "adapters/common/task.h"
#include "adapters/common/text.h"
#include "adapters/smtp/protect.h"

#include <stdatomic.h>

enum mg_smtp_security {
    MG_SMTP_STARTTLS, /* begins in clear and must change to TLS before anything is said */
    MG_SMTP_TLS,      /* TLS from the first byte */
    MG_SMTP_NONE,     /* in clear; only on loopback */
};

struct mg_smtp_settings {
    const char *host;
    int port;
    enum mg_smtp_security security;
    const char *authorities;   /* file; NULL only without TLS */
    const char *hello;         /* the name the gateway says in EHLO; NULL: the machine's */
    const char *user;          /* NULL: no login */
    const char *password_file; /* likewise */
    const char *from, *to;
    int64_t step;    /* milliseconds that one answer of the server may take */
    int64_t largest; /* bytes of a mail */
    struct mg_protection protection;
};

struct mg_smtp {
    struct mg_tasks tasks; /* first */
    struct mg_smtp_settings settings;
    struct mg_smtp_delivery *underway;
    struct mg_outage outage;
    int64_t warned_until; /* monotonic seconds: until then nothing is said of expiry again */
};

/* Sends a mail before so many milliseconds are over (smtp_send.c). On another thread; stop breaks
 * it off. False with the failure. */
bool mg_smtp_send(const struct mg_smtp_settings *settings, const struct mg_text *mail,
                  int64_t milliseconds, const atomic_bool *stop, struct mg_failure *failure);

/* Connects, secures the connection and logs in, as for a mail, but sends none. */
bool mg_smtp_look(const struct mg_smtp_settings *settings, struct mg_failure *failure);

/* Whether mails could go out, for the outage (smtp_out.c). */
bool mg_smtp_probe(struct mg_outage *outage);

/* Deliveries (smtp_out.c). */
void mg_smtp_deliver(void *state, struct mg_delivery *delivery);
void mg_smtp_cancel(void *state, struct mg_delivery *delivery);

#endif
