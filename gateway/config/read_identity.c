/* Who the gateway is: its certificates and keys for TLS and for seals, and the seal key to come. */
#include "gateway/base/clock.h"
#include "gateway/config/credentials.h"

#include <string.h>

/* One pair of certificate and key for seals, as an element names it. */
struct pair {
    const xmlNode *element;
    const char *certificate; /* names of the attributes */
    const char *key;
};

static void read_tls(struct mg_reader *reader, const xmlNode *element)
{
    struct mg_config *config = reader->config;
    config->tls_certificate =
        mg_reader_path(reader, mg_reader_text_or(reader, element, "tls-certificate", ""));
    config->tls_key = mg_reader_path(reader, mg_reader_text_or(reader, element, "tls-key", ""));
    if (reader->without_files)
        return;
    X509 *certificate =
        mg_credentials_certificate(reader, element, "tls-certificate", config->tls_certificate);
    mg_credentials_check_key(reader, element, "tls-key", config->tls_key, certificate);
    X509_free(certificate);
}

/* What signs with the pair, or NULL and a problem. Takes a certificate of NULL, which was told. */
static struct mg_signer *make_signer(struct mg_reader *reader, const struct pair *pair,
                                     X509 *certificate)
{
    const char *path =
        mg_reader_path(reader, mg_reader_text_or(reader, pair->element, pair->key, ""));
    struct mg_error error = {0};
    struct mg_signer *signer = NULL;
    struct mg_key *key = mg_key_from_file(path, &error);
    if (key && !certificate) {
        mg_key_free(key);
        return NULL;
    }
    if (key)
        signer = mg_signer_new(key, certificate, &error);
    if (!signer)
        mg_reader_problem(reader, pair->element, false, "%s: %s: %s (%s)", pair->key, path,
                          error.text, error.code);
    return signer;
}

static const char *certificate_path(struct mg_reader *reader, const struct pair *pair)
{
    return mg_reader_path(reader, mg_reader_text_or(reader, pair->element, pair->certificate, ""));
}

static void read_seal(struct mg_reader *reader, const xmlNode *element, bool is_replaced)
{
    const struct pair pair = {element, "seal-certificate", "seal-key"};
    if (reader->without_files)
        return;
    const char *path = certificate_path(reader, &pair);
    X509 *certificate = is_replaced
                            ? mg_credentials_former(reader, element, pair.certificate, path)
                            : mg_credentials_certificate(reader, element, pair.certificate, path);
    reader->config->signer = make_signer(reader, &pair, certificate);
    X509_free(certificate);
}

/* From when the announced certificate seals; -1 and a problem if that is no moment. */
static int64_t read_from(struct mg_reader *reader, const xmlNode *element)
{
    const char *text = mg_reader_text_or(reader, element, "from", "");
    int64_t from;
    if (mg_value_moment(text, &from))
        return from;
    mg_reader_problem(reader, element, false,
                      "from=\"%.40s\" is no moment in UTC such as 2027-01-01T00:00:00Z", text);
    return -1;
}

static void check_is_another(struct mg_reader *reader, const xmlNode *element)
{
    const struct mg_config *config = reader->config;
    if (!config->signer || !config->next_signer)
        return;
    struct mg_fingerprint now = mg_certificate_fingerprint(mg_signer_certificate(config->signer));
    if (memcmp(&now, &config->next_seal.certificate, sizeof now) == 0)
        mg_reader_problem(
            reader, element, false,
            "certificate: that is the seal-certificate itself; remove <next-seal>, or "
            "name the certificate that follows");
}

static void check_no_gap(struct mg_reader *reader, const xmlNode *element)
{
    const struct mg_config *config = reader->config;
    char from[MG_CLOCK_TEXT_SIZE];
    bool is_usable =
        mg_certificate_expiry(mg_signer_certificate(config->next_signer)) > config->next_seal.from;
    if (is_usable && config->signer && config->next_seal.from > mg_clock_now() &&
        mg_certificate_expiry(mg_signer_certificate(config->signer)) < config->next_seal.from)
        mg_reader_problem(reader, element, true,
                          "the seal-certificate expires before %s, when the next one takes over",
                          mg_clock_text(config->next_seal.from, from));
}

static void read_next_seal(struct mg_reader *reader, const xmlNode *element, int64_t from)
{
    const struct pair pair = {element, "certificate", "key"};
    struct mg_config *config = reader->config;
    if (reader->without_files || from < 0)
        return;
    X509 *certificate = mg_credentials_future(reader, element, pair.certificate,
                                              certificate_path(reader, &pair), from);
    config->next_signer = make_signer(reader, &pair, certificate);
    if (config->next_signer) {
        config->next_seal.certificate = mg_certificate_fingerprint(certificate);
        config->next_seal.from = from;
        check_is_another(reader, element);
        check_no_gap(reader, element);
    }
    X509_free(certificate);
}

void mg_read_identity(struct mg_reader *reader, const xmlNode *element)
{
    static const char *const words[] = {"false", "true", NULL};
    const xmlNode *next = mg_reader_child(element, "next-seal", NULL);
    int64_t from = next ? read_from(reader, next) : -1;
    read_tls(reader, element);
    read_seal(reader, element, from >= 0 && from <= mg_clock_now());
    if (next)
        read_next_seal(reader, next, from);
    reader->config->unannounced =
        mg_reader_choice(reader, element, "unannounced", "false", words) == 1;
    if (reader->config->unannounced)
        mg_reader_problem(reader, element, true,
                          "unannounced=\"true\" lets any key seal from one moment to the next; "
                          "remove it once the new one does");
}
