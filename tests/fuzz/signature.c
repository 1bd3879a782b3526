/* Fuzzes the way of a signature: parse, find, verify, in both forms. "@KEY@" in the input stands
 * for a certificate that is trusted, made at start, so that the fuzzer comes past the question of
 * trust. */
#include "gateway/message/xml.h"
#include "gateway/trust/signature_canonical.h"
#include "gateway/trust/signature_shape.h"
#include "tests/unit/signature_pki.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pki_party partner;
static char *certificate; /* as Base64 */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    pki_start();
    pki_remove_files();
    partner = pki_issue("partner", "P-256");
    char *key_info = pki_key_info(&partner);
    char *begin = strstr(key_info, "MII"), *end = strstr(key_info, "</ds:X509Certificate>");
    *end = '\0';
    certificate = mg_copy_text(begin);
    free(key_info);
    return 0;
}

static void fill_in(const uint8_t *data, size_t size, struct mg_buffer *text)
{
    static const char place[] = "@KEY@";
    while (size > 0) {
        const uint8_t *found = memmem(data, size, place, sizeof place - 1);
        size_t plain = found ? (size_t)(found - data) : size;
        mg_buffer_add(text, data, plain);
        data += plain;
        size -= plain;
        if (found) {
            mg_buffer_add_text(text, certificate);
            data += sizeof place - 1;
            size -= sizeof place - 1;
        }
    }
}

/* What comes after the digest, which no fuzzer guesses. */
static void canonicalise(xmlNode *signature)
{
    struct mg_signature_shape shape;
    struct mg_buffer bytes = {0};
    if (mg_signature_shape_read(signature, NULL, &shape, NULL))
        mg_canonical_element(shape.signed_info, &shape.canonical, &bytes, NULL);
    mg_buffer_free(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mg_xml_limits limits;
    struct mg_error error;
    struct mg_buffer text = {0};
    struct mg_signature_policy policy = pki_policy(&partner);
    struct mg_signature_result result;
    xmlNode *signature;
    mg_xml_limits_default(&limits);
    fill_in(data, size, &text);
    xmlDoc *document = mg_xml_parse(text.data ? text.data : "", text.length, &limits, &error);
    if (document && mg_signature_find(document, &signature, &error) && signature) {
        mg_signature_verify_enveloped(document, signature, &policy, &result, &error);
        free(result.canonical);
        canonicalise(signature);
    }
    if (document) {
        mg_signature_verify_detached(document, "cid:1@muengsten", document, &policy, &result,
                                     &error);
        free(result.canonical);
    }
    xmlFreeDoc(document);
    mg_buffer_free(&text);
    return 0;
}
