/*
 * profile: how one standard is recognised and where its header facts stand (Nachrichtenprofil).
 *
 * A profile is configuration. The two layouts that XÖV standards share are known by name, anything
 * else is said in XPath. What schema and signatures a profile demands stands in trust and in the
 * configuration; this file knows the document only. Pure, any thread, once compiled immutable.
 */
#ifndef MUENGSTEN_MESSAGE_PROFILE_H
#define MUENGSTEN_MESSAGE_PROFILE_H

#include "gateway/base/error.h"
#include "gateway/message/header.h"

#include <libxml/tree.h>
#include <stddef.h>

enum mg_layout {
    /* XÖV Basisnachricht 1.1: nachrichtenkopf.g2g in the namespace
     * http://xoev.de/schemata/basisnachricht/g2g/1_1 */
    MG_LAYOUT_BASISNACHRICHT,
    /* Older standards: the same elements in the root's own namespace (header element
     * nachrichtenkopf or nachrichtenkopf.*), with the authority's id split into
     * behoerdenkennung/praefix/code and behoerdenkennung/kennung/code; elements may also be
     * unqualified. */
    MG_LAYOUT_SPLIT_KEYS,
    /* One XPath for each fact, from the document element as context node; of several nodes the
     * first in the document counts. Functions are those of XPath 1.0. */
    MG_LAYOUT_XPATH,
};

/* The facts that XPaths name, in the order of their attributes in the configuration. */
enum mg_fact {
    MG_FACT_UUID,
    MG_FACT_TYPE_LIST,    /* an XPath; XPath also has literals, such as 'urn:…' in quotes */
    MG_FACT_TYPE_VERSION, /* optional */
    MG_FACT_TYPE_CODE,
    MG_FACT_TYPE_NAME, /* optional */
    MG_FACT_CREATED,
    MG_FACT_AUTHOR,
    MG_FACT_AUTHOR_NAME, /* optional */
    MG_FACT_READER,
    MG_FACT_READER_NAME, /* optional */
    MG_FACT_COUNT
};

/* What the configuration says. All texts are borrowed for the call of mg_profile_new only. */
struct mg_profile_values {
    const char *name;           /* such as "xbeteiligung" */
    const char *root_namespace; /* exact */
    const char *root_name; /* local name, where * stands for any run of characters; NULL: any */
    enum mg_layout layout;
    const char *xpath[MG_FACT_COUNT]; /* for MG_LAYOUT_XPATH; NULL: not there */
    struct {
        const char *prefix; /* a prefix that the XPaths use */
        const char *uri;
    } namespaces[16];
    size_t namespace_count;
};

struct mg_profile;

/* Compiles a profile. Fails with config.profile-xpath (which XPath and why) or
 * config.profile-incomplete. Freed with mg_profile_free; NULL is allowed there. */
struct mg_profile *mg_profile_new(const struct mg_profile_values *values, struct mg_error *error);
void mg_profile_free(struct mg_profile *profile);

const char *mg_profile_name(const struct mg_profile *profile);

/* True if the document element is one of the profile's. */
bool mg_profile_matches(const struct mg_profile *profile, const xmlNode *root);

/* Reads the header facts of a document that matches. Errors: header.missing, header.too-long,
 * header.uuid, header.created, header.type, header.instruction, header.authority (not prefix:key);
 * the place names the fact. On an error the header has the UUID and nothing else, and that only if
 * it is one. */
bool mg_profile_read(const struct mg_profile *profile, xmlDoc *document, struct mg_header *header,
                     struct mg_error *error);

#endif
