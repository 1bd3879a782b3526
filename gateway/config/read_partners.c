/* Partners: whose certificates they have, and what they may do. */
#include "gateway/config/credentials.h"

#include "gateway/base/clock.h"

#include <openssl/evp.h>
#include <string.h>

/* Bits that BSI TR-02102-1 wants of an RSA key; shorter ones count until a day that the partner's
 * entry says. */
#define RSA_BITS 3000

/* A short RSA key is refused with each message, which is too late for who set up the partner. */
static void check_strength(struct mg_reader *reader, const xmlNode *element, const char *path,
                           const X509 *certificate, const void *context)
{
    const struct mg_config_partner *partner = context;
    const EVP_PKEY *key = X509_get0_pubkey(certificate);
    if (key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) < RSA_BITS &&
        partner->rsa_2048_until <= mg_clock_now())
        mg_reader_problem(reader, element, true,
                          "signing-certificate: the RSA key of %s has %d bits, so that its "
                          "signatures are refused; have a longer one made, or say "
                          "rsa-2048-until=\"YYYY-MM-DD\"",
                          path, EVP_PKEY_get_bits(key));
}

static void read_permissions(struct mg_reader *reader, const xmlNode *element,
                             struct mg_config_partner *partner)
{
    partner->permissions = mg_arena_allocate(
        reader->arena, mg_reader_child_count(element, "permission"), sizeof *partner->permissions);
    for (xmlNode *child = NULL; (child = mg_reader_child(element, "permission", child));) {
        struct mg_permission *permission = &partner->permissions[partner->permission_count++];
        permission->author = mg_reader_text_or(reader, child, "author", "");
        permission->type = mg_reader_text_or(reader, child, "type", "");
        permission->reader = mg_reader_text_or(reader, child, "reader", "");
        mg_reader_check_type(reader, child, permission->type);
    }
}

static void read_rsa_until(struct mg_reader *reader, const xmlNode *element,
                           struct mg_config_partner *partner)
{
    const char *text = mg_reader_text(reader, element, "rsa-2048-until");
    if (!text)
        return;
    if (!mg_value_end_of_day(text, &partner->rsa_2048_until))
        mg_reader_problem(reader, element, false,
                          "rsa-2048-until=\"%.40s\" is no day; write it as YYYY-MM-DD", text);
    else if (partner->rsa_2048_until <= mg_clock_now())
        mg_reader_problem(reader, element, true,
                          "rsa-2048-until=\"%s\" has passed; the attribute can go", text);
}

static void read_partner(struct mg_reader *reader, const xmlNode *element,
                         struct mg_config_partner *partner)
{
    partner->place = mg_reader_place(reader, element);
    partner->name = mg_reader_text_or(reader, element, "name", "");
    partner->title = mg_reader_text_or(reader, element, "title", "");
    partner->site = mg_read_site(reader, element);
    read_rsa_until(reader, element, partner);
    partner->tls_fingerprints = mg_credentials_fingerprints(
        reader, element, "tls-certificate", NULL, NULL, &partner->tls_fingerprint_count);
    partner->tls_subject = mg_credentials_subject(reader, element, "tls-subject");
    partner->signing_fingerprints =
        mg_credentials_fingerprints(reader, element, "signing-certificate", check_strength, partner,
                                    &partner->signing_fingerprint_count);
    partner->signing_subject = mg_credentials_subject(reader, element, "signing-subject");
    partner->issuers = mg_credentials_issuers(reader, element, "partner", partner->name,
                                              partner->tls_subject || partner->signing_subject,
                                              "tls-subject or signing-subject");
    mg_numbers_default(mg_numbers_partner, partner);
    mg_reader_numbers(reader, element, mg_numbers_partner, partner);
    read_permissions(reader, element, partner);
}

void mg_read_partners(struct mg_reader *reader)
{
    struct mg_config *config = reader->config;
    size_t most = mg_reader_count(reader, "partner");
    config->partners = mg_arena_allocate(reader->arena, most, sizeof *config->partners);
    mg_names_start(&reader->snapshot->partners, reader->arena, most);
    struct mg_cursor cursor = {0};
    for (xmlNode *element; (element = mg_reader_next(reader, "partner", &cursor));) {
        struct mg_config_partner *partner = &config->partners[config->partner_count];
        read_partner(reader, element, partner);
        mg_names_add(&reader->snapshot->partners, partner->name, &partner->place,
                     config->partner_count++);
    }
    mg_reader_finish_names(reader, "partner", &reader->snapshot->partners);
    mg_owners_collect_partners(&reader->snapshot->partner_owners, reader->arena, config);
}
