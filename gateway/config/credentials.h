/*
 * credentials: certificates and keys that the configuration names, opened and looked at while it is
 * read.
 *
 * Every problem is added at the element, with the attribute, the file, and what to do.
 */
#ifndef MUENGSTEN_CONFIG_CREDENTIALS_H
#define MUENGSTEN_CONFIG_CREDENTIALS_H

#include "gateway/config/reader.h"

/* A certificate that is valid now; one that is not is a problem, one that soon will not be a
 * warning. attribute is only named. NULL if it cannot be read; freed with X509_free. */
X509 *mg_credentials_certificate(struct mg_reader *reader, const xmlNode *element,
                                 const char *attribute, const char *path);

/* Likewise of one that is in force no more, so that its end is nothing worse than a warning. */
X509 *mg_credentials_former(struct mg_reader *reader, const xmlNode *element, const char *attribute,
                            const char *path);
/* Likewise of one that comes into force at that time, in milliseconds since 1970: then it has to be
 * valid. */
X509 *mg_credentials_future(struct mg_reader *reader, const xmlNode *element, const char *attribute,
                            const char *path, int64_t from);
/* Keeps what operators see of a certificate in the configuration, if the element and attribute have
 * a role (struct mg_config_certificate); those that read one have done so. */
void mg_credentials_note(struct mg_reader *reader, const xmlNode *element, const char *attribute,
                         const char *path, const X509 *certificate);
/* The same for all authorities of the configuration's anchors. */
void mg_credentials_note_authorities(struct mg_reader *reader, const xmlNode *element,
                                     const char *path);

/* Whether the key for TLS can be read by its owner alone, and belongs to the certificate (NULL: not
 * known). */
void mg_credentials_check_key(struct mg_reader *reader, const xmlNode *element,
                              const char *attribute, const char *path, X509 *certificate);

/* The fingerprints of all certificates that the attribute names, in the arena; look, if not NULL,
 * is shown each. */
struct mg_fingerprint *mg_credentials_fingerprints(
    struct mg_reader *reader, const xmlNode *element, const char *attribute,
    void (*look)(struct mg_reader *reader, const xmlNode *element, const char *path,
                 const X509 *certificate, const void *context),
    const void *context, size_t *count);

/* The subject that the attribute says, if it can be one; NULL else. */
const char *mg_credentials_subject(struct mg_reader *reader, const xmlNode *element,
                                   const char *attribute);

/* The authorities that issuer="…" names, without which no subject counts. what and name are whose
 * subject it is; by_subject whether there is one; subjects how its attributes are called. NULL if
 * there are none. */
struct mg_issuers *mg_credentials_issuers(struct mg_reader *reader, const xmlNode *element,
                                          const char *what, const char *name, bool by_subject,
                                          const char *subjects);

#endif
