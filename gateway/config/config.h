/*
 * config: reads and checks the XML configuration into one immutable, reference-counted snapshot.
 *
 * The snapshot is plain values plus what can be compiled beforehand: profiles, schemas, trust
 * anchors, signers, the TLS contexts' inputs. Reading collects every problem it finds, so that an
 * operator mends them in one go; each has the form "FILE:LINE: reason". Whoever needs the
 * configuration takes a reference, works with it to the end, and releases it, so that a reload can
 * exchange it at any time.
 *
 * Attributes that the schema does not know stand as parameters on <source> and <destination>: they
 * are the adapter's, and the host of adapters checks them against what the adapter declares.
 */
#ifndef MUENGSTEN_CONFIG_CONFIG_H
#define MUENGSTEN_CONFIG_CONFIG_H

#include "gateway/base/error.h"
#include "gateway/message/profile.h"
#include "gateway/message/xml.h"
#include "gateway/net/http.h"
#include "gateway/route/route.h"
#include "gateway/trust/certificate.h"
#include "gateway/trust/schema.h"
#include "gateway/trust/seal.h"
#include "gateway/trust/signature.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Where an element stands, for messages about it. */
struct mg_config_place {
    const char *file;
    int line;
};

struct mg_config_parameter {
    const char *name;
    const char *value;
};

/* A certificate that the configuration names, as it was when it was read: for operators, who want
 * to know when it ends. */
struct mg_config_certificate {
    /* "tls", "seal", "seal.next", "authority", "partner.tls", "partner.signing", "destination.tls",
     * "operator". */
    const char *role;
    const char *owner;       /* name of the partner, destination or operator; NULL: the gateway */
    const char *subject;     /* RFC 4514 */
    const char *serial;      /* hexadecimal */
    const char *fingerprint; /* SHA-256, hexadecimal */
    const char *file;
    int64_t not_before; /* milliseconds since 1970 */
    int64_t not_after;
};

/* Where something is: what operators see on their map. */
struct mg_config_site {
    struct mg_config_place place;
    const char *name;
    const char *title;
    const char *latitude; /* in degrees, a number as JSON writes it */
    const char *longitude;
    const char **authorities; /* patterns of those who are there */
    size_t authority_count;
};

struct mg_config_listener {
    struct mg_config_place place;
    const char *name;
    const char *address;
    struct mg_http_limits limits;
};

struct mg_config_profile {
    struct mg_config_place place;
    const char *name;
    struct mg_profile *profile;
    struct mg_schema *schema;
    const char *type_list; /* the header's list URI must be this; NULL: any */
    /* What the standard's transport calls it (XTA). */
    const char *service;
    const char *business_scenario;
    const char *payload_schema;
    /* Signature policy by way in: for a source's adapter type, or the default. */
    enum mg_signature_demand signature;
    struct mg_config_way {
        const char *adapter; /* such as "folder" */
        enum mg_signature_demand signature;
    } * ways;
    size_t way_count;
};

struct mg_issuers;

struct mg_config_partner {
    struct mg_config_place place;
    const char *name;
    const char *title;                 /* for people; may be empty */
    const struct mg_config_site *site; /* NULL: not said */
    /* A certificate is the partner's own if its fingerprint is listed (certificate="FILE …"), or if
     * its subject is (subject="CN=…", RFC 4514) and one of the issuers signed it: a subject alone
     * proves nothing, since any authority can write it. Certificates for TLS and for signing are
     * told apart. */
    struct mg_fingerprint *tls_fingerprints;
    size_t tls_fingerprint_count;
    const char *tls_subject; /* NULL: none */
    struct mg_fingerprint *signing_fingerprints;
    size_t signing_fingerprint_count;
    const char *signing_subject; /* NULL: none */
    struct mg_issuers
        *issuers;           /* of the certificates with these subjects; NULL: no subject counts */
    int64_t rsa_2048_until; /* milliseconds since 1970; 0: never */
    struct mg_permission *permissions;
    size_t permission_count;
    unsigned quota;        /* messages a minute; 0: no limit */
    unsigned simultaneous; /* messages in intake at once; default 64 */
};

/* What somebody may do with the gateway itself; each role may do what those before it may. */
enum mg_role { MG_ROLE_NONE, MG_ROLE_VIEWER, MG_ROLE_OPERATOR };
extern const char *const mg_role_words[]; /* "none", "viewer", "operator", NULL */

/* A person, or a program, that looks at the gateway or acts on it. Its certificate for TLS is
 * recognised as a partner's is. */
struct mg_config_operator {
    struct mg_config_place place;
    const char *name;
    enum mg_role role;
    bool contents; /* may see what is in messages */
    struct mg_fingerprint *fingerprints;
    size_t fingerprint_count;
    const char *subject; /* NULL: none */
    struct mg_issuers *issuers;
};

struct mg_config_retry {
    int64_t first;        /* milliseconds before the second attempt; default 5 s */
    int64_t longest;      /* pause at most; default 15 min */
    double factor;        /* default 2 */
    int64_t give_up;      /* after this time since acceptance a delivery is dead; default 48 h */
    unsigned breaker;     /* temporary failures in a row that open the breaker; default 5 */
    int64_t breaker_time; /* before one delivery is tried again; default 30 s */
};

/* Where the adapter of a source or destination runs. */
struct mg_config_process {
    enum mg_isolation {
        MG_ISOLATION_STANDARD, /* as the adapter needs it */
        MG_ISOLATION_NONE,     /* inside the gateway */
        MG_ISOLATION_PROCESS,  /* in a process of its own */
    } isolation;
    size_t memory;      /* bytes of private memory; default 512 MiB */
    unsigned files;     /* open at once; default 256 */
    const char *user;   /* whose process it is; NULL: whose the gateway is */
    const char *socket; /* at which the process connects; NULL: the gateway starts it */
};

struct mg_config_destination {
    struct mg_config_place place;
    const char *name;
    const char *title;                 /* for people; may be empty */
    const struct mg_config_site *site; /* NULL: not said */
    const char *adapter;
    struct mg_config_process process;
    enum mg_seal_form seal;
    bool paused;          /* keeps what waits; default false */
    bool ordered;         /* one after the other, as accepted; default false */
    bool pass_dead;       /* ordered, but the next may overtake a dead one; default false */
    unsigned concurrency; /* deliveries at once; default 8; 1 if ordered */
    int64_t timeout;      /* of one attempt; default 60 s */
    struct mg_config_retry retry;
    const char *listener;                    /* NULL unless the adapter serves HTTP */
    const struct mg_config_partner *partner; /* whose replies and who collects; NULL: nobody's */
    const char *tls_certificate;             /* identity of its calls; NULL: the gateway's */
    const char *tls_key;
    struct mg_config_parameter *parameters;
    size_t parameter_count;
};

struct mg_config_source {
    struct mg_config_place place;
    const char *name;
    const char *adapter;
    struct mg_config_process process;
    const char *listener;                    /* NULL unless the adapter serves HTTP */
    const struct mg_config_partner *partner; /* bound by the configuration; NULL: by certificate */
    struct mg_config_parameter *parameters;
    size_t parameter_count;
};

struct mg_config_limits {
    size_t message; /* bytes of a body as handed in, unpacked; default 16 MiB */
    struct mg_xml_limits xml;
    size_t intake;       /* messages in intake at once, of all partners; default 512 */
    size_t intake_bytes; /* bytes of those bodies; default 256 MiB */
};

/* Where the entries of the audit trail are sent to. */
enum mg_config_export { MG_EXPORT_NONE, MG_EXPORT_JOURNAL, MG_EXPORT_SYSLOG };

struct mg_config {
    const char *file;
    const char *name; /* of the gateway: XTAServerIdentity, and in the seal */
    char hash[65];    /* SHA-256 of all files read, in hexadecimal */
    int64_t loaded;   /* milliseconds since 1970 */

    const char *store;                  /* folder */
    int64_t reserve;                    /* bytes of free space; default 256 MiB */
    const char *const *adapter_folders; /* in the order in which adapters are looked up */
    size_t adapter_folder_count;
    unsigned workers;  /* 0: one for each processor */
    const char *proxy; /* NULL: none */

    /* The gateway's identity. */
    const char *tls_certificate;
    const char *tls_key;
    /* The key that seals, and the one announced to seal from some moment on (NULL: none). Which of
     * both it is at a moment says mg_config_signer. */
    struct mg_signer *signer;
    struct mg_signer *next_signer;
    struct mg_seal_announcement next_seal;
    bool unannounced; /* a key that was not announced may seal; default false */
    /* Whom it trusts, for partners' signatures and TLS. */
    struct mg_anchors *anchors;
    int64_t revocation_check; /* milliseconds between looks at the lists' files; default 60 s */

    struct mg_config_limits limits;
    int64_t keep_content;    /* after the last delivery ended; default 7 days */
    int64_t keep_trace;      /* default 90 days */
    int64_t keep_duplicates; /* since acceptance; default 365 days */
    int64_t keep_audit;      /* whole days of the audit trail; default 3650 days */
    enum mg_config_export audit_export;

    struct mg_config_status {
        struct mg_config_place place;
        const char *address; /* NULL: the state of the gateway is served at no address */
        bool loopback;       /* nobody else can reach it: served plainly */
        enum mg_role role;   /* of whoever reaches it there; default viewer */
        const char **hosts;  /* names that it is asked by, beside those of the certificate */
        size_t host_count;
    } status;
    struct mg_config_control {
        struct mg_config_place place;
        const char *socket; /* a Unix socket's path; NULL: none */
        bool has_operators; /* members of the group have the role */
        bool has_viewers;
        gid_t operators;
        gid_t viewers;
    } control;

    struct mg_config_certificate *certificates;
    size_t certificate_count;
    struct mg_config_site *sites;
    size_t site_count;
    struct mg_config_listener *listeners;
    size_t listener_count;
    struct mg_config_profile *profiles;
    size_t profile_count;
    struct mg_config_partner *partners;
    size_t partner_count;
    struct mg_config_destination *destinations;
    size_t destination_count;
    struct mg_config_source *sources;
    size_t source_count;
    struct mg_route *routes;
    size_t route_count;
    struct mg_config_operator *operators;
    size_t operator_count;
};

/* Every problem that was found, in the order of files and lines. */
struct mg_config_problems {
    struct mg_config_problem {
        char *text; /* "FILE:LINE: reason" */
        bool warning;
    } * list;
    size_t count;
    size_t errors; /* of them no warnings */
    /* A partner's certificate that has expired fails a check, but must not keep a gateway from
     * starting again: with this set, such problems are warnings. */
    bool starting;
};

/* Adds a problem; other rooms (the host of adapters) report theirs with it too. */
void mg_config_problem(struct mg_config_problems *problems, const struct mg_config_place *place,
                       bool warning, const char *format, ...) __attribute__((format(printf, 4, 5)));
void mg_config_problems_free(struct mg_config_problems *problems);

/* Reads a file, or every *.xml of a folder in the order of their names (conf.d); relative paths
 * inside are relative to the file they stand in. NULL if there were errors. Blocks on the disk.
 * Call mg_trust_start first. */
struct mg_config *mg_config_load(const char *path, struct mg_config_problems *problems);

/* Reference counting; any thread. mg_config_release frees the last. */
struct mg_config *mg_config_hold(struct mg_config *config);
void mg_config_release(struct mg_config *config);

/* The partner a TLS certificate belongs to, or NULL. */
const struct mg_config_partner *mg_config_partner_of(const struct mg_config *config,
                                                     const X509 *certificate);
/* The operator that a TLS certificate belongs to, or NULL. */
const struct mg_config_operator *mg_config_operator_of(const struct mg_config *config,
                                                       const X509 *certificate);
/* Of the named partner, destination, listener: NULL if there is none. */
const struct mg_config_partner *mg_config_partner(const struct mg_config *config, const char *name);
const struct mg_config_destination *mg_config_destination(const struct mg_config *config,
                                                          const char *name);
const struct mg_config_listener *mg_config_listener(const struct mg_config *config,
                                                    const char *name);
/* Where a reader is, by the pattern that a route has for it; NULL: nowhere that is named. */
const struct mg_config_site *mg_config_site_of(const struct mg_config *config, const char *reader);
/* The profile of a document element, or NULL. */
const struct mg_config_profile *mg_config_profile_of(const struct mg_config *config,
                                                     const xmlNode *root);
/* What the profile demands of what comes in by that adapter. */
enum mg_signature_demand mg_config_demand(const struct mg_config_profile *profile,
                                          const char *adapter);
/* What seals and signs receipts at that time, in milliseconds since 1970. */
const struct mg_signer *mg_config_signer(const struct mg_config *config, int64_t time);
/* What seals made at that time announce, or NULL. */
const struct mg_seal_announcement *mg_config_announcement(const struct mg_config *config,
                                                          int64_t time);
/* Whether the configuration may follow another at that time: what seals then has to be what sealed
 * before, which includes what was announced for it. Code identity.not-announced. */
bool mg_config_may_seal(const struct mg_config *config, const struct mg_config *before,
                        int64_t time, struct mg_error *error);
/* True if the signing certificate is one of the partner's own (for mg_signature_policy.is_signer;
 * context is the partner). */
bool mg_config_is_signer(const X509 *certificate, const void *partner);

#endif
