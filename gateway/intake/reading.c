/* From bytes to a document whose header facts are known. */
#include "gateway/base/clock.h"
#include "gateway/intake/trip.h"
#include "gateway/message/inflate.h"
#include "gateway/message/multipart.h"

#include <stdio.h>
#include <string.h>

static bool unpack(struct mg_trip *trip)
{
    trip->original = trip->body.data;
    trip->original_length = trip->body.length;
    if (trip->packed) {
        trip->plain.limit = trip->config->limits.message;
        if (!mg_inflate(trip->body.data, trip->body.length, &trip->plain, &trip->error))
            return false;
        trip->original = trip->plain.data;
        trip->original_length = trip->plain.length;
        mg_buffer_free(&trip->body);
    }
    if (trip->original_length == 0)
        return mg_fail(&trip->error, "body.empty", "The body is empty; send one XML document.");
    return true;
}

static bool parse(struct mg_trip *trip, const char *bytes, size_t length, xmlDoc **document)
{
    *document = mg_xml_parse(bytes, length, &trip->config->limits.xml, &trip->error);
    return *document != NULL;
}

static bool is_xml(const char *media_type)
{
    return strcmp(media_type, "application/xml") == 0 || strcmp(media_type, "text/xml") == 0;
}

/* A detached signature names the document by the Content-ID of its part (RFC 2392). */
static void expect_content_id(struct mg_trip *trip, const struct mg_part *part)
{
    if (part->content_id[0])
        snprintf(trip->detached_uri, sizeof trip->detached_uri, "cid:%s", part->content_id);
}

static bool split(struct mg_trip *trip)
{
    struct mg_multipart multipart;
    if (!mg_multipart_read(trip->media_type, trip->original, trip->original_length, &multipart,
                           &trip->error))
        return false;
    if (multipart.count > 2)
        return mg_fail(&trip->error, "attachments.unsupported",
                       "The body has %zu parts; send the document and at most its signature.",
                       multipart.count);
    for (size_t i = 0; i < multipart.count; i++) {
        if (!is_xml(multipart.parts[i].media_type))
            return mg_fail(&trip->error, "media-type.unsupported",
                           "Part %zu is not application/xml.", i + 1);
    }
    const struct mg_part *root = &multipart.parts[multipart.root];
    expect_content_id(trip, root);
    if (!parse(trip, root->bytes, root->length, &trip->document))
        return false;
    if (multipart.count == 1)
        return true;
    const struct mg_part *beside = &multipart.parts[1 - multipart.root];
    return parse(trip, beside->bytes, beside->length, &trip->detached);
}

static void put_back(xmlNode *parent, xmlNode *signature, xmlNode *next)
{
    if (next)
        xmlAddPrevSibling(next, signature);
    else
        xmlAddChild(parent, signature);
}

/* The facts are those of the document that will be delivered. The signature will not be, and parts
 * of it are covered by nothing: an XPath that searches the document must not find them there. */
static bool read_facts(struct mg_trip *trip)
{
    xmlNode *signature;
    if (!mg_signature_find(trip->document, &signature, &trip->error))
        return false;
    xmlNode *parent = signature ? signature->parent : NULL;
    xmlNode *next = signature ? signature->next : NULL;
    if (signature)
        xmlUnlinkNode(signature);
    bool read =
        mg_profile_read(trip->profile->profile, trip->document, &trip->header, &trip->error);
    if (signature)
        put_back(parent, signature, next);
    return read;
}

static bool recognise(struct mg_trip *trip)
{
    const xmlNode *root = xmlDocGetRootElement(trip->document);
    trip->profile = mg_config_profile_of(trip->config, root);
    if (!trip->profile)
        return mg_fail(&trip->error, "profile.unknown",
                       "No profile of this gateway knows the document element and its namespace; "
                       "check the namespace's version or ask the operator for a profile.");
    if (!read_facts(trip))
        return false;
    const char *list = trip->profile->type_list;
    if (list && strcmp(list, trip->header.type_list) != 0) {
        mg_fail(&trip->error, "header.type-list",
                "The message type is from another code list than the profile %s expects.",
                trip->profile->name);
        mg_error_at(&trip->error, "nachrichtentyp/@listURI");
        return false;
    }
    snprintf(trip->type, sizeof trip->type, "%s:%s", trip->profile->name, trip->header.type_code);
    return true;
}

void mg_trip_note(struct mg_trip *trip, enum mg_check_kind kind, bool required, const char *detail)
{
    int64_t now = mg_clock_monotonic();
    mg_checks_note(&trip->checks, kind, required, now - trip->marked, detail);
    trip->marked = now;
}

bool mg_trip_read(struct mg_trip *trip)
{
    bool has_parts = mg_multipart_is(trip->media_type);
    trip->marked = mg_clock_monotonic();
    if (!unpack(trip) ||
        !(has_parts ? split(trip)
                    : parse(trip, trip->original, trip->original_length, &trip->document)))
        return false;
    mg_trip_note(trip, MG_CHECK_FORM, true, has_parts ? "multipart" : NULL);
    if (!recognise(trip))
        return false;
    mg_trip_note(trip, MG_CHECK_PROFILE, true, trip->profile->name);
    return true;
}
