/*
 * The way out: FOLDER/ID.xml, and before it FOLDER/ID.seal.xml where the seal is detached and
 * FOLDER/ID.attachment-N for attachments, so that whoever sees ID.xml has everything. A repetition
 * writes the same names with the same bytes.
 *
 * Whatever fails is temporary: a full disk, a folder that is gone or may not be written to are
 * mended by an operator, and the delivery waits for it as long as the destination says.
 */
#include "adapters/common/text.h"
#include "adapters/folder/folder.h"
#include "adapters/folder/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BLOCK 65536

struct out {
    struct mg_folder_job job;
    struct mg_delivery *delivery;
    char id[64];
    unsigned attachments;
    bool sealed_apart;
    int error;       /* of the work; 0: done */
    bool unreadable; /* the gateway's own content could not be read */
};

/* Writes one part to a file of that name. False with errno, or with unreadable. */
static bool write_part(struct out *out, int folder, int part, const char *name)
{
    struct mg_place_file file;
    char *block = mg_text_allocate(1, BLOCK);
    bool written = mg_place_begin(&file, folder, name);
    if (written) {
        int64_t offset = 0;
        ssize_t length = 0;
        do {
            length =
                out->job.folder->gateway->delivery_read(out->delivery, part, offset, block, BLOCK);
            written = length >= 0 && mg_place_append(&file, block, (size_t)length);
            offset += length;
        } while (written && length > 0);
        out->unreadable = length < 0;
        if (written)
            written = mg_place_commit(&file);
        else
            mg_place_discard(&file);
    }
    free(block);
    return written;
}

static bool write_parts(struct out *out, int folder)
{
    char name[sizeof out->id + 32];
    for (unsigned i = 0; i < out->attachments; i++) {
        snprintf(name, sizeof name, "%s.attachment-%u", out->id, i + 1);
        if (!write_part(out, folder, MG_MESSAGE_ATTACHMENT + (int)i, name))
            return false;
    }
    snprintf(name, sizeof name, "%s.seal.xml", out->id);
    if (out->sealed_apart && !write_part(out, folder, MG_MESSAGE_SEAL, name))
        return false;
    snprintf(name, sizeof name, "%s.xml", out->id);
    return write_part(out, folder, MG_MESSAGE_DOCUMENT, name);
}

static void work(struct mg_folder_job *job)
{
    struct out *out = (struct out *)job;
    int folder = open(job->folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    out->error = 0;
    if (folder < 0 || !write_parts(out, folder))
        out->error = errno ? errno : EIO;
    if (folder >= 0)
        close(folder);
}

static void done(struct mg_folder_job *job)
{
    struct out *out = (struct out *)job;
    struct mg_outcome outcome = {.size = sizeof outcome, .kind = MG_DELIVERED};
    char text[1024];
    if (out->unreadable) {
        outcome.kind = MG_TEMPORARY;
        outcome.code = "folder.content";
        outcome.text = "The gateway's own store could not give the content of the message.";
    } else if (out->error) {
        outcome.kind = MG_TEMPORARY;
        outcome.code = mg_place_reason(out->error, job->folder->path, text, sizeof text);
        outcome.text = text;
    }
    job->folder->gateway->delivery_done(out->delivery, &outcome);
    free(out);
}

void mg_folder_deliver(struct mg_folder *folder, struct mg_delivery *delivery)
{
    const struct mg_message_facts *message = folder->gateway->delivery_message(delivery);
    struct mg_part_facts seal = {.size = sizeof seal};
    struct out *out = mg_text_allocate(1, sizeof *out);
    folder->gateway->delivery_part(delivery, MG_MESSAGE_SEAL, &seal);
    *out = (struct out){
        /* Nothing to drop: an instance is closed only when every delivery is completed. */
        .job = {.folder = folder, .work = work, .done = done},
        .delivery = delivery,
        .attachments = message->attachments,
        .sealed_apart = seal.length >= 0,
    };
    snprintf(out->id, sizeof out->id, "%s", message->id);
    mg_folder_start(&out->job);
}
