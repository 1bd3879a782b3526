/*
 * reply: what came of a conversation with a mail server: whether the mail is delivered, and whether
 * trying again is of use. Pure.
 *
 * A mail has one recipient, so that what the server says of it is said of the whole delivery;
 * whoever wants several offices to have a message routes it to several destinations.
 *
 * A 4xx is temporary. A 5xx to the sender, the recipient or the mail itself is permanent; a 5xx
 * before that (at the greeting, to EHLO, STARTTLS or the login), or one that speaks of the login,
 * says nothing of the message: an operator has to mend it, and the message waits.
 */
#ifndef MUENGSTEN_ADAPTERS_SMTP_REPLY_H
#define MUENGSTEN_ADAPTERS_SMTP_REPLY_H

#include "adapters/smtp/failure.h"

#include <curl/curl.h>
#include <stddef.h>

/* How far the conversation came. */
struct mg_conversation {
    bool about_the_mail; /* MAIL was sent */
    bool over;           /* QUIT was sent: what follows is no answer any more */
    int reply;           /* the number of the last reply; 0: none came */
};

/* Notes a command that goes out, and a line of a reply that comes in. */
void mg_conversation_sent(struct mg_conversation *conversation, const char *bytes, size_t length);
void mg_conversation_received(struct mg_conversation *conversation, const char *bytes,
                              size_t length);

/* Fills the failure, or leaves it empty if the mail is delivered. */
void mg_reply_judge(CURLcode result, const struct mg_conversation *conversation,
                    struct mg_failure *failure);

#endif
