#include "gateway/message/inflate.h"
#include "gateway/message/multipart.h"
#include "gateway/message/xml.h"
#include "gateway/trust/receipt.h"
#include "tests/unit/unit.h"
#include "tools/send/document.h"
#include "tools/send/histogram.h"
#include "tools/send/receipt.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UUID "60b8f0e2-52c1-4f0d-9a37-7d1f6f0a2b11"

/* A header of the Basisnachricht's layout and one with split keys, as short as they may be. */
static const char one_key[] =
    "<m:a xmlns:m=\"urn:m\"><m:kopf><m:nachrichtenUUID>" UUID "</m:nachrichtenUUID>"
    "<m:erstellungszeitpunkt>2020-01-01T00:00:00Z</m:erstellungszeitpunkt>"
    "<m:leser><m:kennung>ags:05120000</m:kennung><m:name>x</m:name>"
    "<m:kanal><m:kennung>+49 1</m:kennung></m:kanal></m:leser>"
    "<m:autor><m:kennung>ags:05124000</m:kennung></m:autor></m:kopf></m:a>";
static const char split_keys[] =
    "<a><nachrichtenUUID>" UUID "</nachrichtenUUID><leser><behoerdenkennung>"
    "<praefix><code>ags</code></praefix><kennung><code>05120000</code></kennung>"
    "</behoerdenkennung></leser></a>";

static char folder[64];

static const char *path(const char *name)
{
    static char paths[4][128];
    static unsigned turn;
    char *text = paths[turn++ % 4];
    snprintf(text, sizeof paths[0], "%s/%s", folder, name);
    return text;
}

static void put(const char *name, const char *content)
{
    FILE *file = fopen(path(name), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(content, file);
    fclose(file);
}

/* ---- documents ---- */

/* Reads the content as a file and makes one message of it. */
static bool make(const char *content, const struct mg_send_options *options,
                 const struct mg_signer *signer, bool fresh, struct mg_send_message *message,
                 struct mg_error *error)
{
    *error = (struct mg_error){0};
    put("message.xml", content);
    struct mg_send_document *document = mg_send_document_read(path("message.xml"), options, error);
    bool good = document && mg_send_document_make(document, options, signer, fresh, message, error);
    mg_send_document_free(document);
    unlink(path("message.xml"));
    return good;
}

static void an_unsigned_and_unchanged_file_is_sent_byte_by_byte(void)
{
    static const struct mg_send_options options = {.unsigned_ = true, .repeat = 1};
    static const char *const contents[] = {"", "no XML", "<a b = 'c' ></a>\r\n",
                                           "<!DOCTYPE a><a/>"};
    struct mg_send_message message = {0};
    struct mg_error error;
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        CU_ASSERT_FATAL(make(contents[i], &options, NULL, false, &message, &error));
        CU_ASSERT_EQUAL_FATAL(message.body.length, strlen(contents[i]));
        CU_ASSERT(message.body.length == 0 ||
                  memcmp(message.body.data, contents[i], message.body.length) == 0);
        CU_ASSERT_STRING_EQUAL(message.media_type, "application/xml");
    }
    mg_send_message_free(&message);
}

static void each_fresh_copy_has_a_uuid_of_its_own_and_is_created_now(void)
{
    static const struct mg_send_options options = {.unsigned_ = true, .repeat = 2};
    struct mg_send_message first = {0}, second = {0};
    struct mg_error error = {0};
    put("message.xml", one_key);
    struct mg_send_document *document =
        mg_send_document_read(path("message.xml"), &options, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(document);
    CU_ASSERT(mg_send_document_make(document, &options, NULL, true, &first, &error));
    CU_ASSERT(mg_send_document_make(document, &options, NULL, true, &second, &error));
    CU_ASSERT_STRING_NOT_EQUAL(first.uuid, second.uuid);
    CU_ASSERT_PTR_NOT_NULL(strstr(first.body.data, first.uuid));
    CU_ASSERT_PTR_NOT_NULL(strstr(second.body.data, second.uuid));
    CU_ASSERT_PTR_NULL(strstr(first.body.data, UUID));
    CU_ASSERT_PTR_NULL(strstr(first.body.data, "2020-01-01"));
    mg_send_document_free(document);
    unlink(path("message.xml"));
    mg_send_message_free(&first);
    mg_send_message_free(&second);
}

static void authorities_are_changed_in_both_layouts_and_nothing_else_is(void)
{
    struct mg_send_options options = {
        .unsigned_ = true, .repeat = 1, .author = "dbs:1&2", .reader = "ags:05122000"};
    struct mg_send_message message = {0};
    struct mg_error error;
    CU_ASSERT_FATAL(make(one_key, &options, NULL, false, &message, &error));
    CU_ASSERT_STRING_EQUAL(message.uuid, UUID);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(message.body.data, "<m:autor><m:kennung>dbs:1&amp;2</m:kennung>"));
    CU_ASSERT_PTR_NOT_NULL(strstr(message.body.data, "<m:leser><m:kennung>ags:05122000</m:kennung>"
                                                     "<m:name>x</m:name><m:kanal>"
                                                     "<m:kennung>+49 1</m:kennung>"));
    options.author = NULL;
    CU_ASSERT_FATAL(make(split_keys, &options, NULL, false, &message, &error));
    CU_ASSERT_PTR_NOT_NULL(strstr(message.body.data, "<praefix><code>ags</code></praefix>"
                                                     "<kennung><code>05122000</code></kennung>"));
    mg_send_message_free(&message);
}

static void what_cannot_be_changed_is_told(void)
{
    static const struct mg_send_options author = {.unsigned_ = true, .repeat = 1, .author = "a:b"};
    static const struct mg_send_options fresh = {.unsigned_ = true, .repeat = 2};
    static const struct mg_send_options signing = {.repeat = 1};
    struct mg_send_message message = {0};
    struct mg_error error;
    CU_ASSERT_FALSE(make("<a/>", &author, NULL, false, &message, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "send.no-authority");
    CU_ASSERT_PTR_NOT_NULL(strstr(error.place, "message.xml"));
    CU_ASSERT_FALSE(make("<a/>", &fresh, NULL, true, &message, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "send.no-uuid");
    CU_ASSERT_FALSE(make("<a", &fresh, NULL, true, &message, &error));
    CU_ASSERT(strncmp(error.code, "xml.", 4) == 0);
    CU_ASSERT_FALSE(make("<a><Signature xmlns=\"" MG_NAMESPACE_DSIG "\"/></a>", &signing, NULL,
                         false, &message, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "send.signed-already");
    CU_ASSERT_PTR_NULL(mg_send_document_read(path("nowhere"), &signing, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "send.unreadable");
    CU_ASSERT_PTR_NULL(mg_send_document_read(folder, &signing, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "send.unreadable");
    mg_send_message_free(&message);
}

static void a_packed_body_unpacks_to_the_same(void)
{
    static const struct mg_send_options options = {.unsigned_ = true, .repeat = 1, .gzip = true};
    struct mg_send_message message = {0};
    struct mg_buffer plain = {.limit = 4096};
    struct mg_error error;
    CU_ASSERT_FATAL(make(one_key, &options, NULL, false, &message, &error));
    CU_ASSERT_FATAL(mg_inflate(message.body.data, message.body.length, &plain, &error));
    CU_ASSERT_STRING_EQUAL(plain.data, one_key);
    mg_buffer_free(&plain);
    mg_send_message_free(&message);
}

/* ---- signatures; with a certificate that is its own authority ---- */

static struct mg_signer *signer;
static struct mg_anchors *anchors;
static X509 *certificate;

static void add_extension(X509 *to, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, to, to, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    CU_ASSERT_PTR_NOT_NULL_FATAL(extension);
    X509_add_ext(to, extension, -1);
    X509_EXTENSION_free(extension);
}

static X509 *make_certificate(EVP_PKEY *key, const char *name)
{
    X509 *made = X509_new();
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
    X509_gmtime_adj(X509_getm_notBefore(made), -60);
    X509_gmtime_adj(X509_getm_notAfter(made), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(made));
    X509_set_pubkey(made, key);
    add_extension(made, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(made, NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign");
    CU_ASSERT_FATAL(X509_sign(made, key, EVP_sha256()) > 0);
    return made;
}

/* Once, by the first test that needs it. */
static void make_pki(void)
{
    struct mg_error error = {0};
    if (signer)
        return;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    certificate = make_certificate(key, "gateway");
    FILE *file = fopen(path("key.pem"), "w");
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    CU_ASSERT_EQUAL(chmod(path("key.pem"), 0600), 0);
    file = fopen(path("certificate.pem"), "w");
    PEM_write_X509(file, certificate);
    fclose(file);
    signer = mg_signer_new(mg_key_from_file(path("key.pem"), &error), certificate, &error);
    anchors = mg_anchors_new(path("certificate.pem"), NULL, MG_STALE_REFUSE, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(signer);
    CU_ASSERT_PTR_NOT_NULL_FATAL(anchors);
    unlink(path("key.pem"));
    unlink(path("certificate.pem"));
    EVP_PKEY_free(key);
}

static void free_pki(void)
{
    mg_signer_free(signer);
    mg_anchors_free(anchors);
    X509_free(certificate);
}

static bool anyone(const X509 *of, const void *context)
{
    (void)of, (void)context;
    return true;
}

static xmlDoc *parse(const char *bytes, size_t length)
{
    struct mg_xml_limits limits;
    mg_xml_limits_default(&limits);
    xmlDoc *document = mg_xml_parse(bytes, length, &limits, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(document);
    return document;
}

static void a_signed_message_verifies(void)
{
    static const struct mg_send_options options = {.repeat = 1};
    make_pki();
    const struct mg_signature_policy policy = {.anchors = anchors, .is_signer = anyone};
    struct mg_signature_result result = {0};
    struct mg_send_message message = {0};
    struct mg_error error;
    xmlNode *signature = NULL;
    CU_ASSERT_FATAL(make(one_key, &options, signer, false, &message, &error));
    xmlDoc *document = parse(message.body.data, message.body.length);
    CU_ASSERT(mg_signature_find(document, &signature, &error));
    CU_ASSERT_PTR_NOT_NULL_FATAL(signature);
    CU_ASSERT(mg_signature_verify_enveloped(document, signature, &policy, &result, &error));
    free(result.canonical);
    xmlFreeDoc(document);
    mg_send_message_free(&message);
}

static void a_detached_signature_is_the_second_part_and_verifies(void)
{
    static const struct mg_send_options options = {.repeat = 1, .detached = true};
    make_pki();
    const struct mg_signature_policy policy = {.anchors = anchors, .is_signer = anyone};
    struct mg_signature_result result = {0};
    struct mg_send_message message = {0};
    struct mg_multipart parts;
    struct mg_error error;
    char uri[300];
    CU_ASSERT_FATAL(make(one_key, &options, signer, false, &message, &error));
    CU_ASSERT_FATAL(mg_multipart_read(message.media_type, message.body.data, message.body.length,
                                      &parts, &error));
    CU_ASSERT_EQUAL_FATAL(parts.count, 2);
    CU_ASSERT_EQUAL(parts.root, 0);
    xmlDoc *document = parse(parts.parts[0].bytes, parts.parts[0].length);
    xmlDoc *signature = parse(parts.parts[1].bytes, parts.parts[1].length);
    snprintf(uri, sizeof uri, "cid:%s", parts.parts[0].content_id);
    CU_ASSERT(mg_signature_verify_detached(document, uri, signature, &policy, &result, &error));
    free(result.canonical);
    xmlFreeDoc(document);
    xmlFreeDoc(signature);
    mg_send_message_free(&message);
}

/* ---- receipts ---- */

static char id_text[MG_ID_TEXT_SIZE];

static void make_receipt(struct mg_buffer *text)
{
    static const struct mg_receipt_record records[] = {
        {MG_RECEIPT_ERROR, 2000, "delivery.dead", "The destination wuppertal gave up."},
        {MG_RECEIPT_INFO, 1000, "accepted", "The message is on disk."},
    };
    static const uint8_t digest[32] = {1};
    static const struct mg_header header = {
        .uuid = UUID,
        .type_list = "urn:list",
        .type_code = "0101",
        .created = "2020-01-01T00:00:00Z",
        .author = {.id = "ags:05124000"},
        .reader = {.id = "ags:05120000"},
    };
    struct mg_receipt_facts facts = {
        .id = mg_id_new(),
        .header = &header,
        .gateway = "gateway.example",
        .service = "urn:service",
        .business_scenario = "scenario",
        .payload_schema = "urn:m",
        .received = 1000,
        .now = 3000,
        .digest = digest,
        .size = 100,
        .status = MG_RECEIPT_RED,
        .records = records,
        .record_count = 2,
    };
    struct mg_error error = {0};
    mg_id_text(&facts.id, id_text);
    CU_ASSERT_FATAL(mg_receipt_make(signer, &facts, text, &error));
}

static void a_receipt_is_verified_and_read_in_the_order_of_time(void)
{
    static struct mg_send_receipt receipt;
    make_pki();
    struct mg_buffer text = {0};
    struct mg_error error = {0};
    make_receipt(&text);
    CU_ASSERT(mg_send_receipt_check(anchors, NULL, id_text, UUID, text.data, text.length, &receipt,
                                    &error));
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *former = make_certificate(key, "former");
    STACK_OF(X509) *expected = sk_X509_new_null();
    sk_X509_push(expected, former);
    CU_ASSERT_FALSE(mg_send_receipt_check(anchors, expected, id_text, "", text.data, text.length,
                                          &receipt, &error));
    sk_X509_push(expected, certificate);
    CU_ASSERT(mg_send_receipt_check(anchors, expected, id_text, "", text.data, text.length,
                                    &receipt, &error));
    sk_X509_free(expected);
    X509_free(former);
    EVP_PKEY_free(key);
    CU_ASSERT_STRING_EQUAL(receipt.reading.gateway, "gateway.example");
    CU_ASSERT_EQUAL(receipt.reading.status, MG_RECEIPT_RED);
    CU_ASSERT_EQUAL_FATAL(receipt.reading.entry_count, 2);
    CU_ASSERT_STRING_EQUAL(receipt.reading.entries[0].code, "accepted");
    CU_ASSERT_STRING_EQUAL(receipt.reading.entries[0].level, "info");
    CU_ASSERT_STRING_EQUAL(receipt.reading.entries[1].code, "delivery.dead");
    CU_ASSERT_STRING_EQUAL(receipt.reading.entries[1].reason, "The destination wuppertal gave up.");
    mg_buffer_free(&text);
}

static bool check_fails(const char *id, const char *uuid, const char *text, X509 *only,
                        const char *code)
{
    static struct mg_send_receipt receipt;
    struct mg_error error = {0};
    STACK_OF(X509) *expected = only ? sk_X509_new_null() : NULL;
    if (only)
        sk_X509_push(expected, only);
    bool good =
        mg_send_receipt_check(anchors, expected, id, uuid, text, strlen(text), &receipt, &error);
    sk_X509_free(expected);
    return !good && strcmp(error.code, code) == 0;
}

static void a_receipt_that_is_forged_or_of_another_message_is_not_verified(void)
{
    make_pki();
    struct mg_buffer text = {0};
    make_receipt(&text);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *other = make_certificate(key, "other");
    CU_ASSERT(check_fails(UUID, UUID, text.data, NULL, "send.receipt-foreign"));
    CU_ASSERT(check_fails(id_text, id_text, text.data, NULL, "send.receipt-foreign"));
    CU_ASSERT(check_fails(id_text, UUID, text.data, other, "signature.foreign-certificate"));
    CU_ASSERT(check_fails(id_text, UUID, "<a/>", NULL, "send.receipt-malformed"));
    CU_ASSERT(check_fails(id_text, UUID, "", NULL, "send.receipt-malformed"));
    CU_ASSERT(check_fails(id_text, UUID,
                          "<TransportReport xmlns=\"http://xoev.de/transport/xta/211\"/>", NULL,
                          "send.receipt-unsigned"));
    char *code = strstr(text.data, "delivery.dead");
    CU_ASSERT_PTR_NOT_NULL_FATAL(code);
    memcpy(code, "delivery.done", strlen("delivery.done"));
    CU_ASSERT(check_fails(id_text, UUID, text.data, NULL, "signature.content-changed"));
    X509_free(other);
    EVP_PKEY_free(key);
    mg_buffer_free(&text);
}

static void a_refusal_is_read_and_cannot_steer_the_terminal(void)
{
    static const char text[] =
        "<refusal xmlns=\"urn:muengsten:refusal:1\" code=\"schema.invalid\" status=\"422\">"
        "<title>x</title><text>Correct\tit&#10;now.</text><place>line 7</place></refusal>";
    struct mg_error refusal = {0};
    CU_ASSERT(mg_send_refusal_read(text, sizeof text - 1, &refusal));
    CU_ASSERT_STRING_EQUAL(refusal.code, "schema.invalid");
    CU_ASSERT_STRING_EQUAL(refusal.place, "line 7");
    CU_ASSERT_STRING_EQUAL(refusal.text, "Correct it now.");
    CU_ASSERT_FALSE(mg_send_refusal_read("<a/>", 4, &refusal));
    CU_ASSERT_FALSE(mg_send_refusal_read(NULL, 0, &refusal));
}

/* ---- times ---- */

static void quantiles_are_exact_to_three_per_cent(void)
{
    static struct mg_send_histogram histogram;
    CU_ASSERT_EQUAL(mg_send_histogram_quantile(&histogram, 0.5), 0);
    for (uint64_t i = 1; i <= 100000; i++)
        mg_send_histogram_add(&histogram, i * 10);
    for (int percent = 1; percent <= 100; percent++) {
        double exact = percent * 10000.0;
        double found = (double)mg_send_histogram_quantile(&histogram, percent / 100.0);
        CU_ASSERT(found <= exact && found >= exact * 0.96);
    }
    mg_send_histogram_add(&histogram, UINT64_MAX);
    CU_ASSERT(mg_send_histogram_quantile(&histogram, 1.0) > UINT64_MAX / 2);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(an_unsigned_and_unchanged_file_is_sent_byte_by_byte),
        UNIT_TEST(each_fresh_copy_has_a_uuid_of_its_own_and_is_created_now),
        UNIT_TEST(authorities_are_changed_in_both_layouts_and_nothing_else_is),
        UNIT_TEST(what_cannot_be_changed_is_told),
        UNIT_TEST(a_packed_body_unpacks_to_the_same),
        UNIT_TEST(a_signed_message_verifies),
        UNIT_TEST(a_detached_signature_is_the_second_part_and_verifies),
        UNIT_TEST(a_receipt_is_verified_and_read_in_the_order_of_time),
        UNIT_TEST(a_receipt_that_is_forged_or_of_another_message_is_not_verified),
        UNIT_TEST(a_refusal_is_read_and_cannot_steer_the_terminal),
        UNIT_TEST(quantiles_are_exact_to_three_per_cent),
    };
    struct mg_error error;
    snprintf(folder, sizeof folder, "/tmp/send-XXXXXX");
    if (!mkdtemp(folder) || !mg_trust_start(&error))
        return 1;
    int status = unit_run("send", tests, sizeof tests / sizeof *tests);
    free_pki();
    mg_trust_stop();
    rmdir(folder);
    return status;
}
