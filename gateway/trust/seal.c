#include "gateway/trust/seal.h"

#include "gateway/base/clock.h"
#include "gateway/trust/signature_make.h"
#include "gateway/trust/signature_text.h"

#include <stdio.h>
#include <string.h>

#define NAMESPACE "urn:muengsten:seal:1"

const char *mg_seal_uri(const struct mg_id *id, char uri[MG_SEAL_URI_SIZE])
{
    char text[MG_ID_TEXT_SIZE];
    snprintf(uri, MG_SEAL_URI_SIZE, "cid:%s@muengsten", mg_id_text(id, text));
    return uri;
}

static bool add_element(struct mg_buffer *text, const char *name, const char *value)
{
    return mg_buffer_print(text, "<ms:%s>", name) && mg_signature_add_text(text, value) &&
           mg_buffer_print(text, "</ms:%s>", name);
}

/* The digest as sha256sum prints it, so that it can be compared with a certificate at hand. */
static bool add_announcement(struct mg_buffer *text, const struct mg_seal_announcement *next)
{
    char certificate[2 * sizeof next->certificate.bytes + 1], from[MG_CLOCK_TEXT_SIZE];
    for (size_t i = 0; i < sizeof next->certificate.bytes; i++)
        snprintf(certificate + 2 * i, 3, "%02x", next->certificate.bytes[i]);
    return add_element(text, "NextCertificate", certificate) &&
           add_element(text, "NextFrom", mg_clock_text(next->from, from));
}

/* In exclusive canonical form: declarations before attributes, no empty-element tags, C14N's
 * escapes. */
static bool add_properties(struct mg_buffer *text, const struct mg_seal_facts *facts,
                           const char *id)
{
    char message[MG_ID_TEXT_SIZE + 9], received[MG_CLOCK_TEXT_SIZE], plain[MG_ID_TEXT_SIZE];
    snprintf(message, sizeof message, "urn:uuid:%s", mg_id_text(&facts->id, plain));
    return mg_buffer_print(text, "<ms:Properties xmlns:ms=\"" NAMESPACE "\" Id=\"%s\">", id) &&
           add_element(text, "Message", message) && add_element(text, "Gateway", facts->gateway) &&
           add_element(text, "Partner", facts->partner) && add_element(text, "Way", facts->way) &&
           add_element(text, "Profile", facts->profile) &&
           add_element(text, "Received", mg_clock_text(facts->received, received)) &&
           add_element(text, "Signature", facts->signature) &&
           add_element(text, "Signer", facts->signer) &&
           (!facts->next || add_announcement(text, facts->next)) &&
           mg_buffer_add_text(text, "</ms:Properties>");
}

bool mg_seal_make(const struct mg_signer *signer, const struct mg_seal_facts *facts,
                  enum mg_seal_form form, struct mg_buffer *text, struct mg_error *error)
{
    char plain[MG_ID_TEXT_SIZE], uri[MG_SEAL_URI_SIZE], seal[48], properties_id[48];
    struct mg_buffer properties = {0};
    mg_id_text(&facts->id, plain);
    snprintf(seal, sizeof seal, "seal-%s", plain);
    snprintf(properties_id, sizeof properties_id, "properties-%s", plain);
    /* Without a limit, adding cannot fail. */
    add_properties(&properties, facts, properties_id);
    struct mg_signature_plan plan = {
        .id = seal,
        .document_uri = form == MG_SEAL_ENVELOPED ? "" : mg_seal_uri(&facts->id, uri),
        .document_digest = facts->digest,
        .attachments = facts->attachments,
        .attachment_count = facts->attachment_count,
        .properties = properties.data,
        .properties_id = properties_id,
    };
    bool made = mg_signature_make_canonical(signer, &plan, text, error);
    mg_buffer_free(&properties);
    return made;
}

bool mg_seal_insert(const char *content, size_t length, const char *seal, size_t seal_length,
                    struct mg_buffer *text)
{
    /* Canonical content ends with the end tag of its document element, since it has no comments,
     * and instructions behind the document element are not let in. */
    size_t end = length;
    while (end > 0 && content[end - 1] != '<')
        end--;
    if (end == 0)
        return false;
    return mg_buffer_add(text, content, end - 1) && mg_buffer_add(text, seal, seal_length) &&
           mg_buffer_add(text, content + end - 1, length - (end - 1));
}
