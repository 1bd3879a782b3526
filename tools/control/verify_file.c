/* Finds what belongs together: a document with its signature inside, beside it, or in one body. */
#include "gateway/base/buffer.h"
#include "gateway/message/multipart.h"
#include "gateway/message/xml.h"
#include "gateway/trust/signature.h"
#include "tools/control/verify_inside.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* More than any gateway takes. */
#define LARGEST_FILE ((size_t)256 << 20)
#define SEAL_ENDING  ".seal.xml"
#define ENDING       ".xml"

static bool read_file(const char *path, struct mg_buffer *bytes, struct mg_error *error)
{
    FILE *file = fopen(path, "rb");
    bool good = file != NULL;
    bytes->limit = LARGEST_FILE;
    while (good && !feof(file)) {
        char *room = mg_buffer_reserve(bytes, 65536);
        if (!room) {
            errno = EFBIG;
            good = false;
            break;
        }
        mg_buffer_used(bytes, fread(room, 1, 65536, file));
        good = !ferror(file);
    }
    if (!good) {
        mg_fail(error, "verify.unreadable", "The file cannot be read: %s.", strerror(errno));
        mg_error_at(error, "%s", path);
    }
    if (file)
        fclose(file);
    return good;
}

static xmlDoc *parse(const char *bytes, size_t length, const char *path, struct mg_error *error)
{
    struct mg_xml_limits limits;
    mg_xml_limits_default(&limits);
    limits.size = limits.text = LARGEST_FILE;
    xmlDoc *document = mg_xml_parse(bytes, length, &limits, error);
    if (!document && error) {
        char place[MG_ERROR_PLACE_SIZE];
        snprintf(place, sizeof place, "%s", error->place);
        mg_error_at(error, *place ? "%s, %s" : "%s%s", path, place);
    }
    return document;
}

xmlDoc *mg_verify_parse_file(const char *path, struct mg_error *error)
{
    struct mg_buffer bytes = {0};
    xmlDoc *document = NULL;
    if (read_file(path, &bytes, error))
        document = parse(bytes.data ? bytes.data : "", bytes.length, path, error);
    mg_buffer_free(&bytes);
    return document;
}

void mg_verify_hexadecimal(const uint8_t bytes[32], char text[65])
{
    for (size_t i = 0; i < 32; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

bool mg_verify_digest(xmlDoc *document, char digest[65], struct mg_error *error)
{
    xmlNode *root = xmlDocGetRootElement(document), *signature = NULL;
    xmlChar *canonical = NULL;
    size_t length = 0;
    uint8_t bytes[32];
    if (!mg_signature_find(document, &signature, error))
        return false;
    xmlNode *next = signature ? signature->next : NULL;
    if (signature)
        xmlUnlinkNode(signature);
    bool made = mg_xml_canonical(document, &canonical, &length, error) &&
                (EVP_Digest(canonical, length, bytes, NULL, EVP_sha256(), NULL) == 1 ||
                 mg_fail(error, "signature.internal", "The digest cannot be computed."));
    if (signature && next)
        xmlAddPrevSibling(next, signature);
    else if (signature)
        xmlAddChild(root, signature);
    if (made)
        mg_verify_hexadecimal(bytes, digest);
    xmlFree(canonical);
    return made;
}

void mg_verify_papers_free(struct mg_verify_papers *papers)
{
    xmlFreeDoc(papers->apart);
    xmlFreeDoc(papers->document);
}

static bool is_signature(xmlDoc *document)
{
    return mg_xml_is(xmlDocGetRootElement(document), MG_NAMESPACE_DSIG, "Signature");
}

/* ---- one body ---- */

/* A body as it is sent: its first line is "--" and the boundary. */
static bool take_boundary(const struct mg_buffer *bytes, char *media_type, size_t size)
{
    size_t length = 0;
    if (bytes->length < 2 || memcmp(bytes->data, "--", 2) != 0)
        return false;
    while (length < 80 && bytes->data[2 + length] && !strchr("\r\n\"\\", bytes->data[2 + length]))
        length++;
    snprintf(media_type, size, "multipart/related; boundary=\"%.*s\"", (int)length,
             bytes->data + 2);
    return true;
}

/* As programs for mail and HTTP store it: with header lines before it. Returns where the body
 * begins, NULL if there are none that say multipart/related. */
static const char *skip_headers(const struct mg_buffer *bytes, char *media_type, size_t size)
{
    const char *line = bytes->data, *end;
    bool found = false;
    while (line && *line && (end = strchr(line, '\n'))) {
        size_t length = (size_t)(end - line) - (end > line && end[-1] == '\r');
        if (length == 0)
            return found && mg_multipart_is(media_type) ? end + 1 : NULL;
        if (length > 4096 || !memchr(line, ':', length))
            return NULL;
        if (length > 13 && strncasecmp(line, "Content-Type:", 13) == 0) {
            const char *value = line + 13 + strspn(line + 13, " \t");
            snprintf(media_type, size, "%.*s", (int)(line + length - value), value);
            found = true;
        }
        line = end + 1;
    }
    return NULL;
}

static bool read_parts(const char *media_type, const char *body, size_t length, const char *path,
                       struct mg_verify_papers *papers, struct mg_error *error)
{
    struct mg_multipart *multipart = mg_allocate_zeroed(1, sizeof *multipart);
    bool good = mg_multipart_read(media_type, body, length, multipart, error);
    if (!good)
        mg_error_at(error, "%s", path);
    for (size_t i = 0; good && i < multipart->count; i++) {
        const struct mg_part *part = &multipart->parts[i];
        xmlDoc *document =
            parse(part->bytes, part->length, path, i == multipart->root ? error : NULL);
        xmlDoc **place = !document                ? NULL
                         : i == multipart->root   ? &papers->document
                         : is_signature(document) ? &papers->apart
                                                  : NULL;
        if (place && !*place)
            *place = document;
        else
            xmlFreeDoc(document);
        good = i != multipart->root || document != NULL;
    }
    free(multipart);
    return good;
}

/* *is_body says whether the bytes are such a body at all. */
static bool read_body(const struct mg_buffer *bytes, const char *path,
                      struct mg_verify_papers *papers, bool *is_body, struct mg_error *error)
{
    char media_type[4200];
    const char *body = bytes->data;
    *is_body = take_boundary(bytes, media_type, sizeof media_type);
    if (!*is_body) {
        body = skip_headers(bytes, media_type, sizeof media_type);
        *is_body = body != NULL;
    }
    return !*is_body || read_parts(media_type, body, bytes->length - (size_t)(body - bytes->data),
                                   path, papers, error);
}

/* ---- two files ---- */

static bool ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text), end = strlen(ending);
    return length > end && strcmp(text + length - end, ending) == 0;
}

/* NAME.seal.xml of NAME.xml and the other way round; false if the name has no such ending. */
static bool other_name(const char *path, const char *ending, const char *other, char *name,
                       size_t size)
{
    return ends_with(path, ending) &&
           (size_t)snprintf(name, size, "%.*s%s", (int)(strlen(path) - strlen(ending)), path,
                            other) < size;
}

/* FILE is a seal: where is the document? */
static bool find_document(const struct mg_verify_request *request, struct mg_verify_papers *papers,
                          struct mg_verdict *verdict, struct mg_error *error)
{
    char *name = verdict->content_file;
    snprintf(verdict->seal_file, sizeof verdict->seal_file, "%s", request->file);
    if (request->content) {
        snprintf(name, sizeof verdict->content_file, "%s", request->content);
    } else if (!other_name(request->file, SEAL_ENDING, ENDING, name,
                           sizeof verdict->content_file)) {
        mg_fail(error, "verify.no-content",
                "The file is a seal without its document. Name the document with --content.");
        mg_error_at(error, "%s", request->file);
        return false;
    }
    papers->document = mg_verify_parse_file(name, error);
    return papers->document != NULL;
}

/* FILE is a document without a signature inside: is there a seal beside it? */
static bool find_seal(const struct mg_verify_request *request, struct mg_verify_papers *papers,
                      struct mg_verdict *verdict, struct mg_error *error)
{
    char *name = verdict->seal_file;
    if (!other_name(request->file, ENDING, SEAL_ENDING, name, sizeof verdict->seal_file) ||
        access(name, F_OK) != 0) {
        *name = '\0';
        return true;
    }
    snprintf(verdict->content_file, sizeof verdict->content_file, "%s", request->file);
    papers->apart = mg_verify_parse_file(name, error);
    if (papers->apart && !is_signature(papers->apart)) {
        mg_fail(error, "verify.no-seal", "The file beside the document is no seal.");
        mg_error_at(error, "%s", name);
        return false;
    }
    return papers->apart != NULL;
}

static bool read_document(const struct mg_verify_request *request, const struct mg_buffer *bytes,
                          struct mg_verify_papers *papers, struct mg_verdict *verdict,
                          struct mg_error *error)
{
    xmlDoc *document = parse(bytes->data ? bytes->data : "", bytes->length, request->file, error);
    if (!document)
        return false;
    if (is_signature(document)) {
        papers->apart = document;
        return find_document(request, papers, verdict, error);
    }
    papers->document = document;
    return mg_signature_find(document, &papers->signature, error) &&
           (papers->signature || find_seal(request, papers, verdict, error));
}

bool mg_verify_read(const struct mg_verify_request *request, struct mg_verify_papers *papers,
                    struct mg_verdict *verdict, struct mg_error *error)
{
    struct mg_buffer bytes = {0};
    bool is_body = false;
    bool good = read_file(request->file, &bytes, error) &&
                read_body(&bytes, request->file, papers, &is_body, error) &&
                (is_body || read_document(request, &bytes, papers, verdict, error)) &&
                (!is_body || papers->apart ||
                 mg_signature_find(papers->document, &papers->signature, error));
    if (papers->apart)
        papers->signature = xmlDocGetRootElement(papers->apart);
    verdict->form = is_body         ? MG_VERIFY_MULTIPART
                    : papers->apart ? MG_VERIFY_DETACHED
                                    : MG_VERIFY_ENVELOPED;
    mg_buffer_free(&bytes);
    return good;
}
