/*
 * Sending, with libcurl: one connection for each mail. TLS from 1.2, verified against the
 * authorities that the configuration names and against no others; no proxy, no file of the user's
 * that libcurl might look for, and no other protocol.
 */
#include "adapters/common/file.h"
#include "adapters/smtp/reply.h"
#include "adapters/smtp/smtp.h"

#include <stdio.h>
#include <string.h>

#define PASSWORD_SIZE 256

struct upload {
    const struct mg_text *mail;
    size_t offset;
    const atomic_bool *stop;
    struct mg_conversation conversation;
};

static size_t read_mail(char *bytes, size_t size, size_t count, void *context)
{
    struct upload *upload = context;
    size_t room = size * count, left = upload->mail->length - upload->offset;
    if (room > left)
        room = left;
    memcpy(bytes, upload->mail->bytes + upload->offset, room);
    upload->offset += room;
    return room;
}

/* What the server says beyond its replies is of no interest. */
static size_t ignore(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes, (void)context;
    return size * count;
}

/* Only verbs and numbers are looked at: what goes by here may be a password. */
static int look_on(CURL *curl, curl_infotype kind, char *bytes, size_t length, void *context)
{
    struct upload *upload = context;
    (void)curl;
    if (kind == CURLINFO_HEADER_OUT)
        mg_conversation_sent(&upload->conversation, bytes, length);
    else if (kind == CURLINFO_HEADER_IN)
        mg_conversation_received(&upload->conversation, bytes, length);
    return 0;
}

static int go_on(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct upload *upload = context;
    (void)a, (void)b, (void)c, (void)d;
    return atomic_load(upload->stop) ? 1 : 0;
}

static bool set_server(CURL *curl, const struct mg_smtp_settings *settings)
{
    char url[1024];
    bool ipv6 = strchr(settings->host, ':') != NULL;
    snprintf(url, sizeof url, "%s://%s%s%s:%d/%s",
             settings->security == MG_SMTP_TLS ? "smtps" : "smtp", ipv6 ? "[" : "", settings->host,
             ipv6 ? "]" : "", settings->port, settings->hello ? settings->hello : "");
    return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK;
}

static bool set_security(CURL *curl, const struct mg_smtp_settings *settings)
{
    long demand = settings->security == MG_SMTP_NONE ? CURLUSESSL_NONE : CURLUSESSL_ALL;
    return curl_easy_setopt(curl, CURLOPT_USE_SSL, demand) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CAINFO, settings->authorities) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK;
}

static bool set_login(CURL *curl, const struct mg_smtp_settings *settings,
                      struct mg_failure *failure)
{
    char password[PASSWORD_SIZE];
    if (!settings->user)
        return true;
    if (!mg_file_line(settings->password_file, password, sizeof password))
        return mg_failure_set_loud(failure, "smtp.password",
                                   "The file with the password for the mail server cannot be "
                                   "read.");
    bool set = curl_easy_setopt(curl, CURLOPT_USERNAME, settings->user) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_PASSWORD, password) == CURLE_OK;
    explicit_bzero(password, sizeof password);
    return set;
}

static bool set_times(CURL *curl, const struct mg_smtp_settings *settings, int64_t milliseconds)
{
    long seconds = (long)(settings->step / 1000);
    return curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)milliseconds) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)settings->step) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, seconds) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, seconds) == CURLE_OK;
}

static bool set_mail(CURL *curl, struct upload *upload)
{
    return curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_mail) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_READDATA, upload) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)upload->mail->length) ==
               CURLE_OK;
}

static bool set_watch(CURL *curl, struct upload *upload)
{
    return curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, look_on) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_DEBUGDATA, upload) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, go_on) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_XFERINFODATA, upload) == CURLE_OK;
}

/* From and to, as the envelope has them. */
static bool set_addresses(CURL *curl, const struct mg_smtp_settings *settings,
                          struct curl_slist **recipients)
{
    char from[512], to[512];
    snprintf(from, sizeof from, "<%s>", settings->from);
    snprintf(to, sizeof to, "<%s>", settings->to);
    *recipients = curl_slist_append(NULL, to);
    return *recipients && curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, *recipients) == CURLE_OK;
}

bool mg_smtp_look(const struct mg_smtp_settings *settings, struct mg_failure *failure)
{
    static const struct mg_text nothing;
    const atomic_bool stop = false;
    struct upload upload = {.mail = &nothing, .stop = &stop};
    CURL *curl = curl_easy_init();
    *failure = (struct mg_failure){0};
    /* Without a mail and recipients libcurl gives one command. */
    if (curl && set_server(curl, settings) && set_security(curl, settings) &&
        set_login(curl, settings, failure) && set_times(curl, settings, 2 * settings->step) &&
        set_watch(curl, &upload) &&
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "NOOP") == CURLE_OK)
        mg_reply_judge(curl_easy_perform(curl), &upload.conversation, failure);
    else if (!failure->code)
        mg_failure_set(failure, "smtp.internal", "libcurl cannot be used as it has to be.");
    curl_easy_cleanup(curl);
    return failure->code == NULL;
}

bool mg_smtp_send(const struct mg_smtp_settings *settings, const struct mg_text *mail,
                  int64_t milliseconds, const atomic_bool *stop, struct mg_failure *failure)
{
    struct upload upload = {.mail = mail, .stop = stop};
    struct curl_slist *recipients = NULL;
    CURL *curl = curl_easy_init();
    *failure = (struct mg_failure){0};
    if (curl && set_server(curl, settings) && set_security(curl, settings) &&
        set_login(curl, settings, failure) && set_times(curl, settings, milliseconds) &&
        set_watch(curl, &upload) && set_mail(curl, &upload) &&
        set_addresses(curl, settings, &recipients))
        mg_reply_judge(curl_easy_perform(curl), &upload.conversation, failure);
    else if (!failure->code)
        mg_failure_set(failure, "smtp.internal", "libcurl cannot be used as it has to be.");
    curl_slist_free_all(recipients);
    curl_easy_cleanup(curl);
    return failure->code == NULL;
}
