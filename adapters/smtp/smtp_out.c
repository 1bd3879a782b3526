/*
 * The way out: ID.xml, ID.seal.xml where the seal is detached, and the attachments, as files of one
 * mail. Its Message-ID is made of the gateway's id, so that a mail which is sent again, because the
 * connection broke before the server had confirmed it, is recognised as the same.
 *
 * What an operator has to mend, such as a certificate that has expired, makes the destination go
 * down until a look at files and server finds that it was mended (outage.h).
 */
#include "adapters/common/text.h"
#include "adapters/smtp/mail.h"
#include "adapters/smtp/smtp.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SOON (30 * 86400) /* seconds: how long before a certificate expires that is told */
#define DAY  86400

struct file {
    int part;
    int64_t length;
    struct mg_mail_file file;
    char *bytes;
};

struct mg_smtp_delivery {
    struct mg_task task; /* first */
    struct mg_smtp *smtp;
    struct mg_smtp_delivery *next;
    struct mg_delivery *delivery;
    struct mg_mail_facts facts;
    char type[512];
    struct file *files;
    size_t file_count;
    int64_t deadline; /* monotonic milliseconds */
    atomic_bool cancelled;
    struct mg_failure failure;
    int64_t time_left; /* seconds until a certificate expires */
};

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* ---- on the other thread ---- */

static bool read_file(struct mg_smtp_delivery *out, struct file *file)
{
    const struct mg_gateway *gateway = out->task.tasks->gateway;
    int64_t offset = 0;
    ssize_t length = 1;
    file->bytes = mg_text_allocate(1, (size_t)file->length + 1);
    while (offset < file->length && length > 0) {
        length = gateway->delivery_read(out->delivery, file->part, offset, file->bytes + offset,
                                        (size_t)(file->length - offset));
        offset += length > 0 ? length : 0;
    }
    if (offset < file->length)
        return mg_failure_set(&out->failure, "smtp.content",
                              "The gateway's own store could not give the content of the message.");
    file->file.bytes = file->bytes;
    file->file.length = (size_t)file->length;
    return true;
}

/* Base64 twice, once for each file and once for what is encrypted, and the heads. */
static bool would_fit(struct mg_smtp_delivery *out)
{
    int64_t largest = out->smtp->settings.largest, sum = 8192;
    for (size_t i = 0; i < out->file_count; i++) {
        if (out->files[i].length > largest)
            sum = largest;
        sum += out->files[i].length / 16 * 30 + 1024;
    }
    if (sum <= largest)
        return true;
    mg_failure_set(&out->failure, "smtp.too-large",
                   "The message would be a mail of more than %lld bytes.", (long long)largest);
    out->failure.permanent = true;
    return false;
}

static bool compose(struct mg_smtp_delivery *out, struct mg_text *mail)
{
    const struct mg_protection *protection = &out->smtp->settings.protection;
    struct mg_text content = {0}, signature = {0}, whole = {0}, encrypted = {0};
    struct mg_mail_file *files = mg_text_allocate(out->file_count, sizeof *files);
    for (size_t i = 0; i < out->file_count; i++)
        files[i] = out->files[i].file;
    mg_mail_content(&out->facts, files, out->file_count, &content);
    bool done = mg_protect_sign(protection, &content, &signature, &out->failure);
    if (done) {
        mg_mail_signed(&out->facts, &content, &signature, &whole);
        done = mg_protect_encrypt(protection, &whole, &encrypted, &out->failure);
    }
    if (done)
        mg_mail_whole(&out->facts,
                      protection->authenticated ? "authEnveloped-data" : "enveloped-data",
                      &encrypted, mail);
    free(files);
    mg_text_free(&encrypted);
    mg_text_free(&whole);
    mg_text_free(&signature);
    mg_text_free(&content);
    return done;
}

static bool read_files(struct mg_smtp_delivery *out)
{
    for (size_t i = 0; i < out->file_count; i++)
        if (!read_file(out, &out->files[i]))
            return false;
    return true;
}

static void work(struct mg_task *task)
{
    struct mg_smtp_delivery *out = (struct mg_smtp_delivery *)task;
    struct mg_text mail = {0};
    out->time_left = mg_protect_time_left(&out->smtp->settings.protection);
    if (would_fit(out) && read_files(out) && compose(out, &mail)) {
        int64_t left = out->deadline - now();
        mg_smtp_send(&out->smtp->settings, &mail, left > 0 ? left : 1, &out->cancelled,
                     &out->failure);
    }
    mg_text_free(&mail);
}

bool mg_smtp_probe(struct mg_outage *outage)
{
    const struct mg_smtp *smtp = (struct mg_smtp *)(void *)outage->task.tasks;
    struct mg_failure failure = {0};
    return (mg_protect_look(&smtp->settings.protection, &failure) &&
            mg_smtp_look(&smtp->settings, &failure)) ||
           mg_outage_find(outage, failure.made[0] ? failure.made : failure.code, failure.text);
}

/* ---- on the loop ---- */

static void forget(struct mg_smtp_delivery *out)
{
    struct mg_smtp_delivery **link = &out->smtp->underway;
    while (*link != out)
        link = &(*link)->next;
    *link = out->next;
    for (size_t i = 0; i < out->file_count; i++)
        free(out->files[i].bytes);
    free(out->files);
    free(out);
}

static void complete(struct mg_smtp_delivery *out)
{
    const struct mg_failure *failure = &out->failure;
    const struct mg_outcome outcome = {
        .size = sizeof outcome,
        .kind = !failure->code       ? MG_DELIVERED
                : failure->permanent ? MG_PERMANENT
                                     : MG_TEMPORARY,
        .code = failure->made[0] ? failure->made : failure->code,
        .text = failure->code ? failure->text : NULL,
    };
    out->task.tasks->gateway->delivery_done(out->delivery, &outcome);
    forget(out);
}

static void tell_of_expiry(struct mg_smtp *smtp, int64_t time_left)
{
    const struct mg_tasks *tasks = &smtp->tasks;
    int64_t seconds = now() / 1000;
    char text[128];
    if (time_left == 0 || time_left > SOON || seconds < smtp->warned_until)
        return;
    smtp->warned_until = seconds + DAY;
    snprintf(text, sizeof text,
             "The certificate of the recipient or of the signer expires in %d days: renew it.",
             (int)(time_left / DAY));
    tasks->gateway->log(tasks->instance, MG_LEVEL_WARNING, "smtp.expires-soon", NULL, text);
}

static void done(struct mg_task *task)
{
    struct mg_smtp_delivery *out = (struct mg_smtp_delivery *)task;
    if (!out->failure.code)
        mg_outage_end(&out->smtp->outage);
    else if (out->failure.loud)
        mg_outage_begin(&out->smtp->outage,
                        out->failure.made[0] ? out->failure.made : out->failure.code,
                        out->failure.text);
    tell_of_expiry(out->smtp, out->time_left);
    complete(out);
}

/* Notes a part as a file of the mail; on the loop, where facts may be asked for. */
static void add_file(struct mg_smtp_delivery *out, int part, unsigned number)
{
    struct mg_part_facts facts = {.size = sizeof facts};
    out->task.tasks->gateway->delivery_part(out->delivery, part, &facts);
    if (facts.length < 0)
        return;
    struct file *file = &out->files[out->file_count++];
    struct mg_mail_file *known = &file->file;
    file->part = part;
    file->length = facts.length;
    if (part == MG_MESSAGE_DOCUMENT)
        snprintf(known->name, sizeof known->name, "%s.xml", out->facts.id);
    else if (part == MG_MESSAGE_SEAL)
        snprintf(known->name, sizeof known->name, "%s.seal.xml", out->facts.id);
    else
        mg_mail_file_name(out->facts.id, number, facts.name, known->name, sizeof known->name);
    snprintf(known->media_type, sizeof known->media_type, "%s",
             facts.media_type ? facts.media_type : "");
    snprintf(known->content_id, sizeof known->content_id, "%s",
             facts.content_id ? facts.content_id : "");
}

static void note_message(struct mg_smtp_delivery *out)
{
    const struct mg_message_facts *message =
        out->task.tasks->gateway->delivery_message(out->delivery);
    const char *name = message->type_name && message->type_name[0] ? message->type_name : NULL;
    snprintf(out->type, sizeof out->type, "%s%s%s%s", message->type_code ? message->type_code : "",
             name ? " (" : "", name ? name : "", name ? ")" : "");
    out->facts = (struct mg_mail_facts){
        .from = out->smtp->settings.from,
        .to = out->smtp->settings.to,
        .id = message->id,
        .uuid = message->uuid,
        .type = out->type,
        .author = message->author,
        .accepted = message->accepted,
    };
    out->files = mg_text_allocate(2 + (size_t)message->attachments, sizeof *out->files);
    add_file(out, MG_MESSAGE_DOCUMENT, 0);
    add_file(out, MG_MESSAGE_SEAL, 0);
    for (unsigned i = 0; i < message->attachments; i++)
        add_file(out, MG_MESSAGE_ATTACHMENT + (int)i, i + 1);
}

void mg_smtp_deliver(void *state, struct mg_delivery *delivery)
{
    struct mg_smtp *smtp = state;
    struct mg_smtp_delivery *out = mg_text_allocate(1, sizeof *out);
    *out = (struct mg_smtp_delivery){
        /* Nothing to drop: an instance is closed only when every delivery is completed. */
        .task = {.tasks = &smtp->tasks, .work = work, .done = done},
        .smtp = smtp,
        .next = smtp->underway,
        .delivery = delivery,
        .deadline = now() + smtp->tasks.gateway->delivery_deadline(delivery),
    };
    smtp->underway = out;
    note_message(out);
    mg_task_start(&out->task);
}

/* What is on the other thread comes back by itself, within a second or so. */
void mg_smtp_cancel(void *state, struct mg_delivery *delivery)
{
    struct mg_smtp *smtp = state;
    struct mg_smtp_delivery *out = smtp->underway;
    while (out && out->delivery != delivery)
        out = out->next;
    assert(out);
    atomic_store(&out->cancelled, true);
    if (mg_task_withdraw(&out->task)) {
        mg_failure_set(&out->failure, "smtp.cancelled",
                       "It was broken off before the mail server had answered.");
        complete(out);
    }
}
