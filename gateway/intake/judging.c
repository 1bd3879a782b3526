/* Whether the message may pass: permission, signature, schema. */
#include "gateway/intake/trip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool permit(struct mg_trip *trip)
{
    const struct mg_config_partner *partner = trip->partner;
    const struct mg_header *header = &trip->header;
    struct mg_error *error = &trip->error;
    switch (mg_permission_check(partner->permissions, partner->permission_count, header->author.id,
                                trip->type, header->reader.id)) {
    case MG_PERMITTED:
        return true;
    case MG_AUTHOR_NOT_PERMITTED:
        return mg_fail(error, "permission.author", "The partner %s may not speak for this author.",
                       partner->name);
    case MG_TYPE_NOT_PERMITTED:
        return mg_fail(error, "permission.type",
                       "The partner %s may not send messages of the type %s for this author.",
                       partner->name, trip->type);
    case MG_READER_NOT_PERMITTED:
        return mg_fail(error, "permission.reader",
                       "The partner %s may not send messages of the type %s to this reader.",
                       partner->name, trip->type);
    }
    mg_die("a permission was neither given nor denied");
}

/* What the profile demands of this way in, compared with what came. */
static bool compare_with_demand(struct mg_trip *trip, bool enveloped)
{
    struct mg_error *error = &trip->error;
    bool detached = trip->detached != NULL;
    switch (mg_config_demand(trip->profile, trip->source->adapter)) {
    case MG_SIGNATURE_REQUIRED:
        if (enveloped || detached)
            return true;
        return mg_fail(error, "signature.missing",
                       "The message is not signed; sign it, enveloped or detached.");
    case MG_SIGNATURE_OPTIONAL:
        return true;
    case MG_SIGNATURE_ENVELOPED:
        if (enveloped)
            return true;
        return mg_fail(error, "signature.missing",
                       "This way in wants an enveloped signature in the document.");
    case MG_SIGNATURE_DETACHED:
        if (detached)
            return true;
        return mg_fail(error, "signature.missing",
                       "This way in wants a detached signature beside the document.");
    case MG_SIGNATURE_FORBIDDEN:
        if (!enveloped && !detached)
            return true;
        return mg_fail(error, "signature.forbidden", "This way in admits no signature.");
    }
    mg_die("a profile demands an unknown kind of signature");
}

static bool verify(struct mg_trip *trip)
{
    xmlNode *enveloped;
    if (!mg_signature_find(trip->document, &enveloped, &trip->error))
        return false;
    if (enveloped && trip->detached)
        return mg_fail(&trip->error, "signature.more-than-one",
                       "The message has an enveloped and a detached signature; send one.");
    if (!compare_with_demand(trip, enveloped != NULL))
        return false;
    trip->is_signed = enveloped || trip->detached;
    if (!trip->is_signed)
        return true;
    const struct mg_signature_policy policy = {
        .anchors = trip->config->anchors,
        .is_signer = mg_config_is_signer,
        .context = trip->partner,
        .rsa_2048_until = trip->partner->rsa_2048_until,
    };
    if (!enveloped)
        return mg_signature_verify_detached(trip->document, trip->detached_uri, trip->detached,
                                            &policy, &trip->signature, &trip->error);
    if (!mg_signature_verify_enveloped(trip->document, enveloped, &policy, &trip->signature,
                                       &trip->error))
        return false;
    /* The schemas of XÖV have no place for a signature: from here on the document has none. */
    xmlUnlinkNode(enveloped);
    xmlFreeNode(enveloped);
    return true;
}

/* How it is signed, and by whom. */
static void note_signature(struct mg_trip *trip)
{
    char detail[MG_CHECK_DETAIL];
    snprintf(detail, sizeof detail, "%s: %.80s", trip->detached ? "detached" : "enveloped",
             trip->signature.subject);
    mg_trip_note(trip, MG_CHECK_SIGNATURE, trip->is_signed, trip->is_signed ? detail : "none");
}

bool mg_trip_judge(struct mg_trip *trip)
{
    if (!permit(trip))
        return false;
    mg_trip_note(trip, MG_CHECK_PERMISSION, true, trip->partner->name);
    if (!verify(trip))
        return false;
    note_signature(trip);
    if (!mg_schema_validate(trip->profile->schema, trip->document, NULL, &trip->error))
        return false;
    mg_trip_note(trip, MG_CHECK_SCHEMA, true, NULL);
    return true;
}
