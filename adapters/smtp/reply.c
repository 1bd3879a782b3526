#include "adapters/smtp/reply.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_command(const char *bytes, size_t length, const char *verb)
{
    size_t wanted = strlen(verb);
    return length >= wanted && strncasecmp(bytes, verb, wanted) == 0 &&
           (length == wanted || isspace((unsigned char)bytes[wanted]));
}

void mg_conversation_sent(struct mg_conversation *conversation, const char *bytes, size_t length)
{
    if (is_command(bytes, length, "MAIL"))
        conversation->about_the_mail = true;
    else if (is_command(bytes, length, "QUIT"))
        conversation->over = true;
}

/* Three digits, and a space or the end; with a hyphen, more lines follow. */
void mg_conversation_received(struct mg_conversation *conversation, const char *bytes,
                              size_t length)
{
    int number = 0;
    if (conversation->over || length < 3)
        return;
    for (size_t i = 0; i < 3; i++) {
        if (!isdigit((unsigned char)bytes[i]))
            return;
        number = number * 10 + (bytes[i] - '0');
    }
    if (length == 3 || bytes[3] != '-')
        conversation->reply = number;
}

static void judge_number(const struct mg_conversation *conversation, struct mg_failure *failure)
{
    int number = conversation->reply;
    bool final = number >= 500 && number <= 599;
    bool login = number == 530 || number == 534 || number == 535 || number == 538;
    if (login) {
        mg_failure_set_loud(failure, "smtp.login",
                            "The mail server wants another login or does not accept ours (reply "
                            "%d).",
                            number);
        return;
    }
    if (final && conversation->about_the_mail)
        mg_failure_set(failure, "smtp.reply",
                       "The mail server refuses the mail for good (reply %d).", number);
    else if (final)
        mg_failure_set_loud(failure, "smtp.reply", "The mail server refuses to talk (reply %d).",
                            number);
    else
        mg_failure_set(failure, "smtp.reply",
                       "The mail server does not take the mail now (reply "
                       "%d).",
                       number);
    snprintf(failure->made, sizeof failure->made, "smtp.%d", number);
    failure->permanent = final && conversation->about_the_mail;
}

static const struct {
    const char *text;
    const char *code;
    CURLcode result;
    bool loud;
} results[] = {
    {"The name of the mail server leads nowhere.", "smtp.resolve", CURLE_COULDNT_RESOLVE_HOST,
     false},
    {"No connection to the mail server.", "smtp.connect", CURLE_COULDNT_CONNECT, false},
    {"The mail server did not answer in time.", "smtp.timeout", CURLE_OPERATION_TIMEDOUT, false},
    {"It was broken off before the mail server had answered.", "smtp.cancelled",
     CURLE_ABORTED_BY_CALLBACK, false},
    {"The mail server offers no TLS, and nothing goes out without.", "smtp.no-tls",
     CURLE_USE_SSL_FAILED, true},
    {"The certificate of the mail server does not count: it is for another host, has expired, or "
     "comes from no authority that the configuration names.",
     "smtp.tls", CURLE_PEER_FAILED_VERIFICATION, true},
    {"TLS with the mail server failed.", "smtp.tls", CURLE_SSL_CONNECT_ERROR, true},
    {"The file of authorities for the mail server cannot be read.", "smtp.authorities",
     CURLE_SSL_CACERT_BADFILE, true},
    {"The mail server does not accept the login.", "smtp.login", CURLE_LOGIN_DENIED, true},
};

void mg_reply_judge(CURLcode result, const struct mg_conversation *conversation,
                    struct mg_failure *failure)
{
    *failure = (struct mg_failure){0};
    if (result == CURLE_OK)
        return;
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        if (results[i].result == result) {
            mg_failure_set(failure, results[i].code, "%s", results[i].text);
            failure->loud = results[i].loud;
            return;
        }
    }
    if (conversation->reply >= 400 && conversation->reply <= 599)
        judge_number(conversation, failure);
    else
        mg_failure_set(failure, "smtp.closed",
                       "The connection to the mail server broke (libcurl "
                       "says %d).",
                       (int)result);
}
