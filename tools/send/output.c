#include "tools/send/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096

static bool write_file(const char *path, const struct mg_buffer *content, struct mg_error *error)
{
    char temporary[PATH_SIZE + 8];
    snprintf(temporary, sizeof temporary, "%s.part", path);
    FILE *file = fopen(temporary, "wb");
    bool good = file != NULL && fwrite(content->data, 1, content->length, file) == content->length;
    if (file && fclose(file) != 0)
        good = false;
    if (good && rename(temporary, path) == 0)
        return true;
    mg_fail(error, "send.unwritable", "The file cannot be written: %s.", strerror(errno));
    mg_error_at(error, "%s", path);
    if (file)
        unlink(temporary);
    return false;
}

bool mg_send_store_receipt(const char *folder, const char *id, const struct mg_buffer *receipt,
                           struct mg_error *error)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s.receipt.xml", folder, id);
    return write_file(path, receipt, error);
}

static bool is_folder(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

/* The name of a message in a folder: its UUID, if that is one and not some other text of the file.
 */
static void name_of(const struct mg_send_message *message, char *name, size_t size)
{
    struct mg_id id;
    snprintf(name, size, "%s", mg_id_parse(message->uuid, &id) ? message->uuid : message->part);
}

static bool write_message(const struct mg_send_options *options,
                          const struct mg_send_message *message, struct mg_error *error)
{
    char path[PATH_SIZE], beside[PATH_SIZE + 32], name[64];
    if (!options->output) {
        fwrite(message->body.data, 1, message->body.length, stdout);
        return fflush(stdout) == 0 ||
               mg_fail(error, "send.unwritable", "Standard output cannot be written: %s.",
                       strerror(errno));
    }
    name_of(message, name, sizeof name);
    if (is_folder(options->output))
        snprintf(path, sizeof path, "%s/%s.xml%s", options->output, name,
                 options->gzip ? ".gz" : "");
    else
        snprintf(path, sizeof path, "%s", options->output);
    snprintf(beside, sizeof beside, "%s.signature.xml", path);
    if (message->apart.length > 0)
        return write_file(beside, &message->apart, error) &&
               write_file(path, &message->content, error);
    return write_file(path, &message->body, error);
}

int mg_send_sign_only(const struct mg_send_tools *tools)
{
    const struct mg_send_options *options = tools->options;
    struct mg_send_message message = {0};
    struct mg_error error = {0};
    bool fresh = options->new_uuid || (options->repeat > 1 && !options->same);
    bool good = true;
    for (unsigned long i = 0; good && i < options->repeat; i++)
        for (size_t j = 0; good && j < options->file_count; j++)
            good = mg_send_document_make(tools->documents[j], options, tools->signer, fresh,
                                         &message, &error) &&
                   write_message(options, &message, &error);
    mg_send_message_free(&message);
    if (!good)
        fprintf(stderr, "muengsten-send: %s%s%s\n", error.place, error.place[0] ? ": " : "",
                error.text);
    return good ? MG_SEND_ACCEPTED : MG_SEND_USAGE;
}
