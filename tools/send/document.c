#include "tools/send/document.h"

#include "gateway/base/clock.h"
#include "gateway/base/id.h"
#include "gateway/message/xml.h"
#include "gateway/trust/seal.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Larger than any gateway takes, so that its limits can be tried. */
#define LARGEST_FILE ((size_t)256 << 20)

struct mg_send_document {
    struct mg_buffer bytes; /* as read */
    xmlDoc *tree;           /* NULL: the bytes are sent as they are */
    xmlNode *uuid;          /* the elements to change; NULL: there is none */
    xmlNode *created;
};

/* ---- finding ---- */

/* The next element in document order below top, or NULL. */
static xmlNode *next_element(const xmlNode *top, xmlNode *node)
{
    do {
        if (node->children && node->type == XML_ELEMENT_NODE) {
            node = node->children;
        } else {
            while (node != top && !node->next)
                node = node->parent;
            if (node == top)
                return NULL;
            node = node->next;
        }
    } while (node->type != XML_ELEMENT_NODE);
    return node;
}

/* The first element below top of that local name, in any namespace: the layouts of XÖV headers
 * share names, not namespaces, and the header comes first. */
static xmlNode *first_named(xmlNode *top, const char *name)
{
    xmlNode *node = top;
    while (node && (node = next_element(top, node)))
        if (strcmp((const char *)node->name, name) == 0)
            return node;
    return NULL;
}

static void set_text(xmlNode *element, const char *text, size_t length)
{
    xmlNode *node = xmlNewTextLen((const xmlChar *)text, (int)length);
    while (element->children) {
        xmlNode *child = element->children;
        xmlUnlinkNode(child);
        xmlFreeNode(child);
    }
    xmlAddChild(element, node);
}

/* Puts an authority's id in: in one element, or split into prefix and key as older standards have
 * it. */
static bool set_authority(xmlNode *root, const char *role, const char *id, struct mg_error *error)
{
    xmlNode *authority = first_named(root, role);
    xmlNode *parts = authority ? first_named(authority, "behoerdenkennung") : NULL;
    const char *key = strchr(id, ':') + 1;
    if (parts) {
        xmlNode *prefix = first_named(first_named(parts, "praefix"), "code");
        xmlNode *rest = first_named(first_named(parts, "kennung"), "code");
        if (prefix && rest) {
            set_text(prefix, id, (size_t)(key - id - 1));
            set_text(rest, key, strlen(key));
            return true;
        }
    } else if (authority && (authority = first_named(authority, "kennung"))) {
        set_text(authority, id, strlen(id));
        return true;
    }
    return mg_fail(error, "send.no-authority",
                   "The document names no %s whose id could be changed.", role);
}

/* ---- reading ---- */

static bool read_file(const char *path, struct mg_buffer *bytes, struct mg_error *error)
{
    FILE *file = fopen(path, "rb");
    size_t length = 0;
    bytes->limit = LARGEST_FILE;
    bool good = file != NULL;
    while (good && !feof(file)) {
        char *room = mg_buffer_reserve(bytes, 65536);
        if (!room) {
            fclose(file);
            mg_fail(error, "send.unreadable", "The file is longer than %zu bytes.", LARGEST_FILE);
            mg_error_at(error, "%s", path);
            return false;
        }
        length = fread(room, 1, 65536, file);
        mg_buffer_used(bytes, length);
        good = !ferror(file);
    }
    if (!good)
        mg_fail(error, "send.unreadable", "The file cannot be read: %s.", strerror(errno));
    mg_error_at(good ? NULL : error, "%s", path);
    if (file)
        fclose(file);
    return good;
}

static bool is_changed(const struct mg_send_options *options)
{
    return !options->unsigned_ || options->new_uuid || options->author || options->reader ||
           (options->repeat > 1 && !options->same);
}

/* Parses the document, and changes what is changed once for all copies. */
static bool prepare(struct mg_send_document *document, const struct mg_send_options *options,
                    struct mg_error *error)
{
    struct mg_xml_limits limits;
    xmlNode *signature = NULL;
    mg_xml_limits_default(&limits);
    limits.size = LARGEST_FILE;
    limits.text = LARGEST_FILE;
    document->tree = mg_xml_parse(document->bytes.data, document->bytes.length, &limits, error);
    if (!document->tree || !mg_signature_find(document->tree, &signature, error))
        return false;
    if (signature && !options->unsigned_)
        return mg_fail(error, "send.signed-already",
                       "The document is signed already: send it with --unsigned.");
    xmlNode *root = xmlDocGetRootElement(document->tree);
    document->uuid = first_named(root, "nachrichtenUUID");
    document->created = first_named(root, "erstellungszeitpunkt");
    return (!options->author || set_authority(root, "autor", options->author, error)) &&
           (!options->reader || set_authority(root, "leser", options->reader, error));
}

struct mg_send_document *mg_send_document_read(const char *path,
                                               const struct mg_send_options *options,
                                               struct mg_error *error)
{
    struct mg_send_document *document = mg_allocate_zeroed(1, sizeof *document);
    bool good = read_file(path, &document->bytes, error);
    if (good && is_changed(options)) {
        good = prepare(document, options, error);
        if (!good) {
            char place[MG_ERROR_PLACE_SIZE];
            snprintf(place, sizeof place, "%s", error->place);
            mg_error_at(error, *place ? "%s: %s" : "%s%s", path, place);
        }
    }
    if (good)
        return document;
    mg_send_document_free(document);
    return NULL;
}

void mg_send_document_free(struct mg_send_document *document)
{
    if (!document)
        return;
    xmlFreeDoc(document->tree);
    mg_buffer_free(&document->bytes);
    free(document);
}

/* ---- making messages ---- */

static bool renew(struct mg_send_document *document, struct mg_error *error)
{
    char text[MG_ID_TEXT_SIZE], moment[MG_CLOCK_TEXT_SIZE];
    struct mg_id id = mg_id_new();
    if (!document->uuid)
        return mg_fail(error, "send.no-uuid",
                       "The document has no element nachrichtenUUID to change: use --same.");
    mg_id_text(&id, text);
    set_text(document->uuid, text, strlen(text));
    if (document->created) {
        mg_clock_text(mg_clock_now(), moment);
        set_text(document->created, moment, strlen(moment));
    }
    return true;
}

/* Signs the canonical form: as our own content, or beside it. */
static bool sign(const struct mg_signer *signer, bool detached, const char *canonical,
                 size_t length, struct mg_send_message *message, struct mg_error *error)
{
    uint8_t digest[32];
    char uri[MG_ID_TEXT_SIZE + 32];
    struct mg_buffer signature = {0};
    snprintf(uri, sizeof uri, "cid:document-%s@muengsten-send", message->part);
    const struct mg_signature_plan plan = {
        .document_uri = detached ? uri : "",
        .document_digest = digest,
    };
    bool good = EVP_Digest(canonical, length, digest, NULL, EVP_sha256(), NULL) == 1 ||
                mg_fail(error, "signature.internal", "The digest cannot be computed.");
    if (detached)
        good = good && mg_signature_make(signer, &plan, &message->apart, error) &&
               mg_buffer_add(&message->content, canonical, length);
    else
        good = good && mg_signature_make(signer, &plan, &signature, error) &&
               (mg_seal_insert(canonical, length, signature.data, signature.length,
                               &message->content) ||
                mg_fail(error, "send.too-large", "The signed message is too large."));
    mg_buffer_free(&signature);
    return good;
}

/* Document and signature as multipart/related (RFC 2387). A boundary of a random UUID cannot occur
 * in a document that was there before it. */
static void join_parts(struct mg_send_message *message)
{
    const char *part = message->part;
    snprintf(message->media_type, sizeof message->media_type,
             "multipart/related; boundary=\"muengsten-%s\"; type=\"application/xml\"; "
             "start=\"<document-%s@muengsten-send>\"",
             part, part);
    mg_buffer_print(&message->body,
                    "--muengsten-%s\r\nContent-Type: application/xml\r\n"
                    "Content-ID: <document-%s@muengsten-send>\r\n\r\n",
                    part, part);
    mg_buffer_add(&message->body, message->content.data, message->content.length);
    mg_buffer_print(&message->body,
                    "\r\n--muengsten-%s\r\nContent-Type: application/xml\r\n"
                    "Content-ID: <signature-%s@muengsten-send>\r\n\r\n",
                    part, part);
    mg_buffer_add(&message->body, message->apart.data, message->apart.length);
    mg_buffer_print(&message->body, "\r\n--muengsten-%s--\r\n", part);
}

static bool pack(struct mg_buffer *body, struct mg_error *error)
{
    struct mg_buffer packed = {0};
    z_stream stream = {0};
    /* 16 asks zlib for the format of gzip. */
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return mg_fail(error, "send.gzip", "The message cannot be packed.");
    uLong bound = deflateBound(&stream, (uLong)body->length);
    stream.next_in = (Bytef *)body->data;
    stream.avail_in = (uInt)body->length;
    stream.next_out = (Bytef *)mg_buffer_reserve(&packed, bound);
    stream.avail_out = (uInt)bound;
    bool good = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    mg_buffer_used(&packed, stream.total_out);
    deflateEnd(&stream);
    if (!good) {
        mg_buffer_free(&packed);
        return mg_fail(error, "send.gzip", "The message cannot be packed.");
    }
    mg_buffer_free(body);
    *body = packed;
    return true;
}

static void clear(struct mg_send_message *message)
{
    mg_buffer_clear(&message->body);
    mg_buffer_clear(&message->content);
    mg_buffer_clear(&message->apart);
    snprintf(message->media_type, sizeof message->media_type, "application/xml");
    message->uuid[0] = '\0';
    struct mg_id id = mg_id_new();
    mg_id_text(&id, message->part);
}

bool mg_send_document_make(struct mg_send_document *document, const struct mg_send_options *options,
                           const struct mg_signer *signer, bool fresh,
                           struct mg_send_message *message, struct mg_error *error)
{
    xmlChar *canonical = NULL;
    size_t length = 0;
    clear(message);
    if (fresh && !renew(document, error))
        return false;
    if (document->uuid)
        mg_xml_text(document->uuid, message->uuid, sizeof message->uuid);
    if (!document->tree)
        mg_buffer_add(&message->content, document->bytes.data, document->bytes.length);
    else if (!mg_xml_canonical(document->tree, &canonical, &length, error))
        return false;
    bool good = true;
    if (document->tree && signer)
        good = sign(signer, options->detached, (char *)canonical, length, message, error);
    else if (document->tree)
        mg_buffer_add(&message->content, canonical, length);
    xmlFree(canonical);
    if (good && message->apart.length > 0)
        join_parts(message);
    else if (good)
        mg_buffer_add(&message->body, message->content.data, message->content.length);
    return good && (!options->gzip || pack(&message->body, error));
}

void mg_send_message_free(struct mg_send_message *message)
{
    mg_buffer_free(&message->body);
    mg_buffer_free(&message->content);
    mg_buffer_free(&message->apart);
}
