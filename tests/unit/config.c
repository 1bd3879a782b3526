/* What a configuration that is right says, and how it is found. */
#include "gateway/config/document.h"
#include "gateway/message/xml.h"
#include "tests/unit/config_fixture.h"
#include "tests/unit/unit.h"

#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCHEMA MG_SOURCE_FOLDER "/schemas/muengsten-config.xsd"

static struct mg_config *load(const char *name)
{
    struct mg_config_problems problems = {0};
    struct mg_config *config = mg_config_load(fixture_path(name), &problems);
    for (size_t i = 0; i < problems.count; i++)
        printf("# %s\n", problems.list[i].text);
    CU_ASSERT_EQUAL(problems.count, 0);
    mg_config_problems_free(&problems);
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    return config;
}

static struct mg_config *load_with(int line, const char *text)
{
    fixture_configure(line, text);
    return load("gateway.xml");
}

/* The sample beside a development PKI; its schemas are found below the data folder. */
static bool make_sample(void)
{
    char command[1024];
    snprintf(command, sizeof command, "'%s/certs/pki' init '%s' >/dev/null 2>&1", MG_SOURCE_FOLDER,
             fixture_path("pki"));
    char *sample = fixture_read(MG_SOURCE_FOLDER "/etc/muengsten.xml");
    fixture_write("sample.xml", sample);
    free(sample);
    fixture_folder("inbox");
    fixture_folder("outbox");
    int status = system(command);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void the_sample_is_valid_with_the_development_pki(void)
{
    CU_ASSERT_FATAL(make_sample());
    struct mg_config *config = load("sample.xml");
    CU_ASSERT_STRING_EQUAL(config->name, "gateway.muengsten.example");
    CU_ASSERT_EQUAL(config->destination_count, 3);
    CU_ASSERT_EQUAL(config->route_count, 3);
    CU_ASSERT_EQUAL(mg_config_destination(config, "remscheid")->seal, MG_SEAL_ENVELOPED);
    CU_ASSERT_EQUAL(mg_config_partner(config, "wuppertal-portal")->quota, 6000);
    CU_ASSERT_STRING_EQUAL(config->sources[1].partner->name, "solingen-registry");
    static const char *const owners[] = {"wuppertal-portal", "remscheid-portal"};
    for (size_t i = 0; i < 2; i++) {
        char tls[64], signing[64];
        snprintf(tls, sizeof tls, "pki/%s-tls", owners[i]);
        snprintf(signing, sizeof signing, "pki/%s-signing", owners[i]);
        X509 *certificate = fixture_load_certificate(tls);
        const struct mg_config_partner *partner = mg_config_partner_of(config, certificate);
        CU_ASSERT(partner && strcmp(partner->name, owners[i]) == 0);
        X509_free(certificate);
        certificate = fixture_load_certificate(signing);
        CU_ASSERT(partner && mg_config_is_signer(certificate, partner));
        X509_free(certificate);
    }
    mg_config_release(config);
}

static void the_sample_is_valid_for_xmllint(void)
{
    int status = system("command -v xmllint >/dev/null");
    if (status != 0) {
        unit_skip("xmllint is not installed");
        return;
    }
    status = system("xmllint --nonet --noout --schema '" SCHEMA "' '" MG_SOURCE_FOLDER
                    "/etc/muengsten.xml' 2>/dev/null");
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void what_is_not_said_has_a_default(void)
{
    struct mg_config *config = load_with(0, NULL);
    CU_ASSERT_STRING_EQUAL(config->store, fixture_path("store"));
    CU_ASSERT_EQUAL(config->reserve, 256 << 20);
    CU_ASSERT_EQUAL(config->workers, 0);
    CU_ASSERT_PTR_NULL(config->proxy);
    CU_ASSERT_PTR_NULL(config->status.address);
    CU_ASSERT_EQUAL(config->revocation_check, 60000);
    CU_ASSERT_EQUAL(config->limits.message, 16 << 20);
    CU_ASSERT_EQUAL(config->limits.xml.size, 16 << 20);
    CU_ASSERT_EQUAL(config->limits.xml.depth, 100);
    CU_ASSERT_EQUAL(config->limits.intake, 512);
    CU_ASSERT_EQUAL(config->limits.intake_bytes, 256 << 20);
    CU_ASSERT_EQUAL(config->keep_content, INT64_C(7) * 86400000);
    CU_ASSERT_EQUAL(config->keep_trace, INT64_C(90) * 86400000);
    CU_ASSERT_EQUAL(config->keep_duplicates, INT64_C(365) * 86400000);
    CU_ASSERT_EQUAL(config->partners[0].quota, 0);
    CU_ASSERT_EQUAL(config->partners[0].simultaneous, 64);
    CU_ASSERT_STRING_EQUAL(config->partners[0].title, "");
    CU_ASSERT_STRING_EQUAL(config->routes[0].type, "*");
    const struct mg_config_destination *destination = &config->destinations[0];
    CU_ASSERT_EQUAL(destination->seal, MG_SEAL_DETACHED);
    CU_ASSERT_EQUAL(destination->concurrency, 8);
    CU_ASSERT_EQUAL(destination->timeout, 60000);
    CU_ASSERT_EQUAL(destination->retry.first, 5000);
    CU_ASSERT_EQUAL(destination->retry.longest, 900000);
    CU_ASSERT_EQUAL(destination->retry.factor, 2.0);
    CU_ASSERT_EQUAL(destination->retry.give_up, 172800000);
    CU_ASSERT_EQUAL(destination->retry.breaker, 5);
    CU_ASSERT_EQUAL(destination->retry.breaker_time, 30000);
    mg_config_release(config);
}

static void limits_of_xml_default_to_what_the_parser_recommends(void)
{
    struct mg_xml_limits limits;
    mg_xml_limits_default(&limits);
    struct mg_config *config = load_with(0, NULL);
    CU_ASSERT(memcmp(&config->limits.xml, &limits, sizeof limits) == 0);
    mg_config_release(config);
}

/* Writes every default of the schema into a configuration, as an editor might. */
static void write_out_the_defaults(void)
{
    fixture_configure(3, "<store folder=\"store\"/><limits/><retention/>");
    char *text = fixture_read(fixture_path("gateway.xml")), *types = fixture_read(SCHEMA);
    xmlDoc *document = xmlReadMemory(text, (int)strlen(text), NULL, NULL, XML_PARSE_NONET);
    xmlSchemaParserCtxt *parser = xmlSchemaNewMemParserCtxt(types, (int)strlen(types));
    xmlSchema *schema = xmlSchemaParse(parser);
    xmlSchemaValidCtxt *validator = xmlSchemaNewValidCtxt(schema);
    xmlSchemaSetValidOptions(validator, XML_SCHEMA_VAL_VC_I_CREATE);
    CU_ASSERT_EQUAL_FATAL(xmlSchemaValidateDoc(validator, document), 0);
    CU_ASSERT_FATAL(xmlSaveFile(fixture_path("defaults.xml"), document) > 0);
    xmlSchemaFreeValidCtxt(validator);
    xmlSchemaFree(schema);
    xmlSchemaFreeParserCtxt(parser);
    xmlFreeDoc(document);
    free(text);
    free(types);
}

static void the_schema_tells_the_same_defaults_as_the_code(void)
{
    write_out_the_defaults();
    struct mg_config *plain = load_with(0, NULL), *said = load("defaults.xml");
    CU_ASSERT(memcmp(&plain->limits, &said->limits, sizeof plain->limits) == 0);
    CU_ASSERT_EQUAL(plain->reserve, said->reserve);
    CU_ASSERT_EQUAL(plain->revocation_check, said->revocation_check);
    CU_ASSERT_EQUAL(plain->keep_content, said->keep_content);
    CU_ASSERT_EQUAL(plain->keep_trace, said->keep_trace);
    CU_ASSERT_EQUAL(plain->keep_duplicates, said->keep_duplicates);
    CU_ASSERT_EQUAL(plain->profiles[0].signature, said->profiles[0].signature);
    CU_ASSERT_EQUAL(plain->partners[0].simultaneous, said->partners[0].simultaneous);
    CU_ASSERT_EQUAL(plain->destinations[0].seal, said->destinations[0].seal);
    CU_ASSERT_EQUAL(plain->destinations[0].concurrency, said->destinations[0].concurrency);
    CU_ASSERT_EQUAL(plain->destinations[0].timeout, said->destinations[0].timeout);
    CU_ASSERT_STRING_EQUAL(plain->routes[0].type, said->routes[0].type);
    mg_config_release(plain);
    mg_config_release(said);
}

static void everything_that_can_be_said_is_heard(void)
{
    struct mg_config *config = load_with(
        3, "<store folder=\"/tmp\" reserve=\"1G\"/>"
           "<limits message=\"4M\" intake=\"7\" intake-bytes=\"8M\" xml-depth=\"20\" "
           "xml-elements=\"500\" xml-attributes=\"9\" xml-start-tag=\"2K\" xml-text=\"3K\"/>"
           "<retention content=\"1d\" trace=\"2d\" duplicates=\"3d\"/>"
           "<audit keep=\"100d\" export=\"syslog\"/>"
           "<listener name=\"inner\" address=\"[::1]:0\" head=\"8K\" headers=\"20\" body=\"2M\" "
           "connections=\"10\" handshake-time=\"1s\" head-time=\"2s\" idle-time=\"3s\" "
           "body-pause=\"4s\" body-rate=\"100\" write-pause=\"5s\" write-buffer=\"16K\" "
           "requests=\"11\"/><status address=\"[::1]:9980\"/><source name=\"inner\" "
           "adapter=\"rest\" listener=\"inner\"/>"
           "<partner name=\"archive\" title=\" City Archive \" tls-subject=\"CN=a, O=b\" "
           "issuer=\"authority.pem\" "
           "signing-subject=\"CN=s\" rsa-2048-until=\"2099-12-31\" quota=\"60\" "
           "simultaneous=\"2\"/>");
    CU_ASSERT_STRING_EQUAL(config->store, "/tmp");
    CU_ASSERT_EQUAL(config->reserve, 1 << 30);
    const struct mg_xml_limits *xml = &config->limits.xml;
    CU_ASSERT(config->limits.message == 4 << 20 && xml->size == 4 << 20);
    CU_ASSERT(config->limits.intake == 7 && config->limits.intake_bytes == 8 << 20);
    CU_ASSERT(xml->depth == 20 && xml->elements == 500 && xml->attributes == 9);
    CU_ASSERT(xml->start_tag == 2048 && xml->text == 3072);
    CU_ASSERT_EQUAL(config->keep_trace, 172800000);
    const struct mg_http_limits *http = &mg_config_listener(config, "inner")->limits;
    CU_ASSERT(http->head == 8192 && http->headers == 20 && http->body == 2 << 20);
    CU_ASSERT(http->connections == 10 && http->requests == 11 && http->handshake_time == 1000);
    CU_ASSERT(http->head_time == 2000 && http->idle_time == 3000 && http->body_pause == 4000);
    CU_ASSERT_STRING_EQUAL(config->status.address, "[::1]:9980");
    CU_ASSERT_EQUAL(config->status.place.line, 3);
    CU_ASSERT(http->body_rate == 100 && http->write_pause == 5000 && http->write_buffer == 16384);
    const struct mg_config_partner *partner = mg_config_partner(config, "archive");
    CU_ASSERT_STRING_EQUAL(partner->title, "City Archive");
    CU_ASSERT_STRING_EQUAL(partner->tls_subject, "CN=a, O=b");
    CU_ASSERT_EQUAL(partner->rsa_2048_until, INT64_C(4102444800000));
    CU_ASSERT(partner->quota == 60 && partner->simultaneous == 2);
    mg_config_release(config);
}

static void the_gateway_has_workers_and_a_proxy_if_it_says_so(void)
{
    struct mg_config *config =
        load_with(2, "<gateway xmlns=\"urn:muengsten:config:1\" name=\"gateway.example\" "
                     "workers=\"3\" proxy=\"http://proxy.example:3128\">");
    CU_ASSERT_EQUAL(config->workers, 3);
    CU_ASSERT_STRING_EQUAL(config->proxy, "http://proxy.example:3128");
    mg_config_release(config);
}

static void a_retry_for_all_holds_where_a_destination_does_not_say_otherwise(void)
{
    struct mg_config *config =
        load_with(13, "<route reader=\"ags:*\" to=\"office slow\"/>"
                      "<destination name=\"slow\" adapter=\"rest\" timeout=\"10min\">"
                      "<retry longest=\"1h\" factor=\"1.5\"/></destination>"
                      "<retry first=\"2s\" longest=\"30min\" give-up=\"7d\" breaker=\"3\" "
                      "breaker-time=\"1min\"/>");
    const struct mg_config_retry *office = &mg_config_destination(config, "office")->retry;
    CU_ASSERT(office->first == 2000 && office->longest == 1800000 && office->factor == 2.0);
    CU_ASSERT(office->give_up == 604800000 && office->breaker == 3);
    CU_ASSERT_EQUAL(office->breaker_time, 60000);
    const struct mg_config_retry *slow = &mg_config_destination(config, "slow")->retry;
    CU_ASSERT(slow->first == 2000 && slow->longest == 3600000 && slow->factor == 1.5);
    CU_ASSERT(slow->give_up == 604800000 && slow->breaker == 3);
    CU_ASSERT_EQUAL(config->routes[0].destination_count, 2);
    CU_ASSERT_STRING_EQUAL(config->destinations[config->routes[0].destinations[1]].name, "slow");
    mg_config_release(config);
}

static void attributes_that_nobody_knows_are_parameters_of_the_adapter(void)
{
    struct mg_config *config =
        load_with(12, "<destination name=\"office\" folder=\"out\" adapter=\"folder\" "
                      "seal=\"enveloped\" pattern=\" *.xml \"/>");
    const struct mg_config_destination *destination = &config->destinations[0];
    CU_ASSERT_EQUAL_FATAL(destination->parameter_count, 2);
    CU_ASSERT_STRING_EQUAL(destination->parameters[0].name, "folder");
    CU_ASSERT_STRING_EQUAL(destination->parameters[0].value, "out");
    CU_ASSERT_STRING_EQUAL(destination->parameters[1].name, "pattern");
    CU_ASSERT_STRING_EQUAL(destination->parameters[1].value, "*.xml");
    CU_ASSERT_EQUAL(config->sources[0].parameter_count, 0);
    CU_ASSERT_EQUAL(destination->place.line, 12);
    mg_config_release(config);
}

static void a_partner_is_found_by_its_certificate_or_its_subject(void)
{
    fixture_certificate("other", "other.example", -1, 365);
    fixture_certificate("renewed", "renewed.example", -1, 365);
    struct mg_config *config = load_with(
        10,
        "</partner><partner name=\"two\" tls-subject=\"CN=other.example\" issuer=\"authority.pem\" "
        "tls-certificate=\"renewed.pem tls.pem\" signing-certificate=\"seal.pem\"/>"
        "<partner name=\"three\" tls-subject=\"CN=three\" issuer=\"authority.pem\" "
        "signing-subject=\"CN=renewed.example\"/>");
    static const struct {
        const char *certificate;
        const char *owner;
    } known[] = {{"portal-tls", "portal"}, {"other", "two"}, {"renewed", "two"}, {"tls", "two"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        X509 *certificate = fixture_load_certificate(known[i].certificate);
        const struct mg_config_partner *partner = mg_config_partner_of(config, certificate);
        CU_ASSERT_PTR_NOT_NULL_FATAL(partner);
        CU_ASSERT_STRING_EQUAL(partner->name, known[i].owner);
        X509_free(certificate);
    }
    X509 *signing = fixture_load_certificate("portal-signing");
    CU_ASSERT_PTR_NULL(mg_config_partner_of(config, signing));
    X509_free(signing);
    mg_config_release(config);
}

static void a_signing_certificate_is_a_partners_own_by_file_or_subject(void)
{
    struct mg_config *config = load_with(
        10, "</partner><partner name=\"two\" tls-subject=\"CN=two\" issuer=\"authority.pem\" "
            "signing-subject=\"CN=gateway.example seal\"/>");
    const struct mg_config_partner *portal = mg_config_partner(config, "portal");
    const struct mg_config_partner *two = mg_config_partner(config, "two");
    X509 *signing = fixture_load_certificate("portal-signing");
    X509 *tls = fixture_load_certificate("portal-tls");
    X509 *seal = fixture_load_certificate("seal");
    CU_ASSERT(mg_config_is_signer(signing, portal));
    CU_ASSERT_FALSE(mg_config_is_signer(tls, portal));
    CU_ASSERT_FALSE(mg_config_is_signer(seal, portal));
    CU_ASSERT(mg_config_is_signer(seal, two));
    CU_ASSERT_FALSE(mg_config_is_signer(signing, two));
    X509_free(signing);
    X509_free(tls);
    X509_free(seal);
    mg_config_release(config);
}

static void a_subject_counts_only_from_the_key_of_its_issuer(void)
{
    fixture_certificate("office", "office.example", -1, 365);
    fixture_namesake("namesake", "office.example");
    struct mg_config *config =
        load_with(10, "</partner><partner name=\"two\" tls-subject=\"CN=office.example\" "
                      "signing-subject=\"CN=office.example\" issuer=\"authority.pem\"/>");
    const struct mg_config_partner *two = mg_config_partner(config, "two");
    X509 *own = fixture_load_certificate("office");
    X509 *namesake = fixture_load_certificate("namesake");
    /* Twice, since what was found true is remembered. */
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_PTR_EQUAL(mg_config_partner_of(config, own), two);
        CU_ASSERT(mg_config_is_signer(own, two));
        CU_ASSERT_PTR_NULL(mg_config_partner_of(config, namesake));
        CU_ASSERT_FALSE(mg_config_is_signer(namesake, two));
    }
    X509_free(namesake);
    X509_free(own);
    mg_config_release(config);
}

static void what_has_no_such_name_is_not_found(void)
{
    struct mg_config *config = load_with(0, NULL);
    CU_ASSERT_PTR_NULL(mg_config_partner(config, "nobody"));
    CU_ASSERT_PTR_NULL(mg_config_destination(config, ""));
    CU_ASSERT_PTR_NULL(mg_config_listener(config, "zzz"));
    CU_ASSERT_PTR_EQUAL(mg_config_listener(config, "city"), &config->listeners[0]);
    mg_config_release(config);
}

static void a_profile_demands_signatures_by_way_in(void)
{
    struct mg_config *config = load_with(
        7, "<profile name=\"service\" namespace=\"urn:test:service\" schema=\"service.xsd\" "
           "signature=\"enveloped\"><way adapter=\"folder\" signature=\"optional\"/>"
           "<way adapter=\"xta\" signature=\"forbidden\"/></profile>");
    const struct mg_config_profile *profile = &config->profiles[0];
    CU_ASSERT_EQUAL(mg_config_demand(profile, "rest"), MG_SIGNATURE_ENVELOPED);
    CU_ASSERT_EQUAL(mg_config_demand(profile, "folder"), MG_SIGNATURE_OPTIONAL);
    CU_ASSERT_EQUAL(mg_config_demand(profile, "xta"), MG_SIGNATURE_FORBIDDEN);
    mg_config_release(config);
}

static void a_profile_tells_xta_what_it_says_or_what_follows_from_it(void)
{
    struct mg_config *config = load_with(0, NULL);
    CU_ASSERT_STRING_EQUAL(config->profiles[0].service, "urn:test:service");
    CU_ASSERT_STRING_EQUAL(config->profiles[0].business_scenario, "service");
    CU_ASSERT_STRING_EQUAL(config->profiles[0].payload_schema, "urn:test:service");
    CU_ASSERT_PTR_NULL(config->profiles[0].type_list);
    mg_config_release(config);
    config = load_with(
        7, "<profile name=\"service\" namespace=\"urn:test:service\" schema=\"service.xsd\" "
           "type-list=\"urn:list\"><xta service=\"urn:s\" business-scenario=\"Permits\" "
           "payload-schema=\"urn:p\"/></profile>");
    CU_ASSERT_STRING_EQUAL(config->profiles[0].service, "urn:s");
    CU_ASSERT_STRING_EQUAL(config->profiles[0].business_scenario, "Permits");
    CU_ASSERT_STRING_EQUAL(config->profiles[0].payload_schema, "urn:p");
    CU_ASSERT_STRING_EQUAL(config->profiles[0].type_list, "urn:list");
    mg_config_release(config);
}

static void a_standard_of_its_own_kind_needs_xpaths_and_no_code(void)
{
    static const char text[] =
        "<permit xmlns=\"urn:test:flat\" nr=\"0190b4a3-6c5f-7d7e-8a7b-1c2d3e4f5a6b\" at=\""
        "2026-11-23T08:00:00Z\" kind=\"7\"><from>ags:1</from><to>ags:2</to></permit>";
    struct mg_config *config = load_with(
        7, "<profile name=\"service\" namespace=\"urn:test:flat\" root=\"per*\" "
           "schema=\"service.xsd\" layout=\"xpath\"><header uuid=\"/f:permit/@nr\" "
           "type-list=\"'urn:kinds'\" type-code=\"/f:permit/@kind\" created=\"/f:permit/@at\" "
           "author=\"/f:permit/f:from\" reader=\"/f:permit/f:to\"/>"
           "<prefix name=\"f\" namespace=\"urn:test:flat\"/></profile>");
    xmlDoc *document = xmlReadMemory(text, (int)strlen(text), NULL, NULL, XML_PARSE_NONET);
    const struct mg_config_profile *profile =
        mg_config_profile_of(config, xmlDocGetRootElement(document));
    CU_ASSERT_PTR_EQUAL_FATAL(profile, &config->profiles[0]);
    struct mg_header header;
    CU_ASSERT_FATAL(mg_profile_read(profile->profile, document, &header, NULL));
    CU_ASSERT_STRING_EQUAL(header.type_list, "urn:kinds");
    CU_ASSERT_STRING_EQUAL(header.type_code, "7");
    CU_ASSERT_STRING_EQUAL(header.author.id, "ags:1");
    CU_ASSERT_STRING_EQUAL(header.reader.id, "ags:2");
    xmlFreeDoc(document);
    mg_config_release(config);
}

static void an_unknown_document_has_no_profile(void)
{
    static const char text[] = "<message xmlns=\"urn:other\"/>";
    struct mg_config *config = load_with(0, NULL);
    xmlDoc *document = xmlReadMemory(text, (int)strlen(text), NULL, NULL, XML_PARSE_NONET);
    CU_ASSERT_PTR_NULL(mg_config_profile_of(config, xmlDocGetRootElement(document)));
    xmlFreeDoc(document);
    mg_config_release(config);
}

static void a_schema_is_looked_up_below_the_data_folder_too(void)
{
    fixture_folder("data");
    fixture_folder("data/schemas");
    char *own = fixture_read(SCHEMA), *service = fixture_read(fixture_path("service.xsd"));
    fixture_write("data/schemas/muengsten-config.xsd", own);
    fixture_write("data/schemas/installed.xsd", service);
    free(own);
    free(service);
    setenv("MUENGSTEN_DATA", fixture_path("data"), 1);
    struct mg_config *config = load_with(7, "<profile name=\"service\" namespace=\"urn:t\" "
                                            "schema=\"schemas/installed.xsd\"/>");
    setenv("MUENGSTEN_DATA", MG_SOURCE_FOLDER, 1);
    CU_ASSERT_PTR_NOT_NULL(config->profiles[0].schema);
    mg_config_release(config);
}

/* Splits the small configuration behind a line into two files of conf.d. */
static void write_conf_d(int line)
{
    char first[4096] = "", second[4096] = "<gateway xmlns=\"urn:muengsten:config:1\">\n";
    for (int i = 1; i <= FIXTURE_LINES; i++) {
        char *part = i <= line ? first : second;
        strcat(part, fixture_lines[i - 1]);
        strcat(part, "\n");
    }
    strcat(first, "</gateway>\n");
    fixture_folder_like_it("conf.d");
    fixture_write("conf.d/10-first.xml", first);
    fixture_write("conf.d/20-second.xml", second);
    fixture_write("conf.d/.hidden.xml", "<broken");
    fixture_write("conf.d/30-other.conf", "<broken");
}

static void files_of_conf_d_make_one_configuration_in_the_order_of_names(void)
{
    write_conf_d(10);
    struct mg_config *config = load("conf.d");
    CU_ASSERT_STRING_EQUAL(config->name, "gateway.example");
    CU_ASSERT_EQUAL(config->partner_count, 1);
    CU_ASSERT_EQUAL(config->destination_count, 1);
    CU_ASSERT_EQUAL(config->routes[0].destination_count, 1);
    CU_ASSERT_STRING_EQUAL(config->partners[0].place.file, fixture_path("conf.d/10-first.xml"));
    CU_ASSERT_EQUAL(config->partners[0].place.line, 8);
    CU_ASSERT_STRING_EQUAL(config->sources[0].place.file, fixture_path("conf.d/20-second.xml"));
    CU_ASSERT_EQUAL(config->sources[0].place.line, 2);
    mg_config_release(config);
}

static void the_hash_is_the_sha_256_of_all_files_in_order(void)
{
    write_conf_d(10);
    struct mg_config *config = load("conf.d");
    char *first = fixture_read(fixture_path("conf.d/10-first.xml"));
    char *second = fixture_read(fixture_path("conf.d/20-second.xml"));
    char both[8192], text[65];
    unsigned char digest[32];
    snprintf(both, sizeof both, "%s%s", first, second);
    EVP_Digest(both, strlen(both), digest, NULL, EVP_sha256(), NULL);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    CU_ASSERT_STRING_EQUAL(config->hash, text);
    free(first);
    free(second);
    mg_config_release(config);
}

static void a_hint_where_the_schema_is_does_no_harm(void)
{
    struct mg_config *config =
        load_with(2, "<gateway xmlns=\"urn:muengsten:config:1\" name=\"gateway.example\" "
                     "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
                     "xsi:schemaLocation=\"urn:muengsten:config:1 nowhere.xsd urn:x /dev/zero\">");
    mg_config_release(config);
}

static void *read_and_release(void *context)
{
    struct mg_config *config = context;
    for (int i = 0; i < 1000; i++) {
        struct mg_config *mine = mg_config_hold(config);
        if (!mg_config_partner(mine, "portal"))
            return NULL;
        mg_config_release(mine);
    }
    mg_config_release(config);
    return context;
}

static void a_place_is_where_its_partners_destinations_and_authorities_are(void)
{
    struct mg_config *config =
        load_with(12, "<place name=\"city\" title=\"City\" latitude=\"51.25\" longitude=\"-7\" "
                      "authorities=\"ags:1 ags:2*\"/><destination name=\"office\" "
                      "adapter=\"folder\" title=\"Office\" place=\"city\"/>");
    CU_ASSERT_EQUAL_FATAL(config->site_count, 1);
    const struct mg_config_site *site = &config->sites[0];
    CU_ASSERT_STRING_EQUAL(site->title, "City");
    CU_ASSERT_STRING_EQUAL(site->latitude, "51.25");
    CU_ASSERT_STRING_EQUAL(site->longitude, "-7");
    CU_ASSERT_PTR_EQUAL(config->destinations[0].site, site);
    CU_ASSERT_STRING_EQUAL(config->destinations[0].title, "Office");
    CU_ASSERT_EQUAL(config->destinations[0].parameter_count, 0);
    CU_ASSERT_PTR_NULL(config->partners[0].site);
    CU_ASSERT_PTR_EQUAL(mg_config_site_of(config, "ags:1"), site);
    CU_ASSERT_PTR_EQUAL(mg_config_site_of(config, "ags:23"), site);
    CU_ASSERT_PTR_NULL(mg_config_site_of(config, "ags:11"));
    mg_config_release(config);
}

static void each_certificate_is_noted_with_its_role_and_owner(void)
{
    static const struct {
        const char *role;
        const char *owner;
    } wanted[] = {
        {"tls", ""},
        {"seal", ""},
        {"authority", ""},
        {"partner.tls", "portal"},
        {"partner.signing", "portal"},
    };
    struct mg_config *config = load_with(0, NULL);
    CU_ASSERT_EQUAL_FATAL(config->certificate_count, 5);
    for (size_t i = 0; i < 5; i++) {
        const struct mg_config_certificate *one = &config->certificates[i];
        CU_ASSERT_STRING_EQUAL(one->role, wanted[i].role);
        CU_ASSERT_STRING_EQUAL(one->owner ? one->owner : "", wanted[i].owner);
        CU_ASSERT_EQUAL(strlen(one->fingerprint), 64);
        CU_ASSERT(one->not_before < one->not_after);
    }
    mg_config_release(config);
}

static void whoever_holds_a_configuration_finishes_with_it_after_a_reload(void)
{
    struct mg_config *config = load_with(0, NULL);
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        CU_ASSERT_FATAL(
            pthread_create(&threads[i], NULL, read_and_release, mg_config_hold(config)) == 0);
    struct mg_config *old = config;
    config = load_with(12, "<destination name=\"office\" adapter=\"folder\" concurrency=\"3\"/>");
    mg_config_release(old);
    for (size_t i = 0; i < 4; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        CU_ASSERT_PTR_NOT_NULL(result);
    }
    CU_ASSERT_EQUAL(config->destinations[0].concurrency, 3);
    mg_config_release(config);
    mg_config_release(NULL);
}

#define IDENTITY 4
#define SEALED_BY(seal, more)                                                                      \
    "<identity tls-certificate=\"tls.pem\" tls-key=\"tls.key\" seal-certificate=\"" seal ".pem\" " \
    "seal-key=\"" seal ".key\"" more
#define AND_FROM(seal, from)                                                                       \
    "><next-seal certificate=\"" seal ".pem\" key=\"" seal ".key\" from=\"" from "\"/></identity>"

static void the_announced_certificate_seals_from_its_moment_on(void)
{
    fixture_certificate("lasting", "lasting.example", -1, 3650);
    fixture_certificate("renewed", "renewed.example", -1, 3650);
    struct mg_config *config =
        load_with(IDENTITY, SEALED_BY("lasting", AND_FROM("renewed", "2030-06-01T12:00:00Z")));
    int64_t from = INT64_C(1906545600000);
    X509 *seal = fixture_load_certificate("lasting"),
         *renewed = fixture_load_certificate("renewed");
    const struct mg_seal_announcement *next = mg_config_announcement(config, from - 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(next);
    struct mg_fingerprint digest = mg_certificate_fingerprint(renewed);
    CU_ASSERT(memcmp(&next->certificate, &digest, sizeof digest) == 0);
    CU_ASSERT_EQUAL(next->from, from);
    CU_ASSERT(X509_cmp(mg_signer_certificate(mg_config_signer(config, from - 1)), seal) == 0);
    CU_ASSERT(X509_cmp(mg_signer_certificate(mg_config_signer(config, from)), renewed) == 0);
    CU_ASSERT_PTR_NULL(mg_config_announcement(config, from));
    X509_free(renewed);
    X509_free(seal);
    mg_config_release(config);
}

static bool may_follow(const char *before, const char *after, int64_t time)
{
    struct mg_config *first = load_with(IDENTITY, before), *second = load_with(IDENTITY, after);
    struct mg_error error = {.code = ""};
    bool may = mg_config_may_seal(second, first, time, &error);
    CU_ASSERT_STRING_EQUAL(error.code, may ? "" : "identity.not-announced");
    CU_ASSERT(may || (strstr(error.text, "<next-seal") && strstr(error.text, "unannounced")));
    mg_config_release(second);
    mg_config_release(first);
    return may;
}

static void only_an_announced_certificate_may_seal_after_a_reload(void)
{
    static const char old[] = SEALED_BY("lasting", "/>"), new[] = SEALED_BY("renewed", "/>");
    static const char announcing[] =
        SEALED_BY("lasting", AND_FROM("renewed", "2030-06-01T12:00:00Z"));
    static const char at_once[] = SEALED_BY("lasting", AND_FROM("renewed", "2026-01-01T00:00:00Z"));
    int64_t from = INT64_C(1906545600000);
    fixture_certificate("lasting", "lasting.example", -1, 3650);
    fixture_certificate("renewed", "renewed.example", -1, 3650);
    CU_ASSERT(may_follow(old, old, from));
    CU_ASSERT(may_follow(old, announcing, from - 1));
    CU_ASSERT(may_follow(announcing, new, from));
    CU_ASSERT(may_follow(announcing, old, from - 1));
    CU_ASSERT_FALSE(may_follow(old, new, from));
    CU_ASSERT_FALSE(may_follow(old, at_once, from));
    CU_ASSERT_FALSE(may_follow(announcing, new, from - 1));
    CU_ASSERT_FALSE(may_follow(announcing, old, from));
}

static void a_key_that_must_not_be_used_any_more_is_replaced_unannounced(void)
{
    struct mg_config_problems problems = {0};
    fixture_certificate("lasting", "lasting.example", -1, 3650);
    struct mg_config *before = load_with(0, NULL);
    fixture_configure(IDENTITY, SEALED_BY("lasting", " unannounced=\"true\"/>"));
    struct mg_config *after = mg_config_load(fixture_path("gateway.xml"), &problems);
    CU_ASSERT_PTR_NOT_NULL_FATAL(after);
    CU_ASSERT(mg_config_may_seal(after, before, 0, NULL));
    CU_ASSERT_FALSE(mg_config_may_seal(before, after, 0, NULL));
    mg_config_release(after);
    mg_config_release(before);
    mg_config_problems_free(&problems);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(the_sample_is_valid_with_the_development_pki),
        UNIT_TEST(the_sample_is_valid_for_xmllint),
        UNIT_TEST(what_is_not_said_has_a_default),
        UNIT_TEST(limits_of_xml_default_to_what_the_parser_recommends),
        UNIT_TEST(the_schema_tells_the_same_defaults_as_the_code),
        UNIT_TEST(everything_that_can_be_said_is_heard),
        UNIT_TEST(the_gateway_has_workers_and_a_proxy_if_it_says_so),
        UNIT_TEST(a_retry_for_all_holds_where_a_destination_does_not_say_otherwise),
        UNIT_TEST(attributes_that_nobody_knows_are_parameters_of_the_adapter),
        UNIT_TEST(a_partner_is_found_by_its_certificate_or_its_subject),
        UNIT_TEST(a_signing_certificate_is_a_partners_own_by_file_or_subject),
        UNIT_TEST(a_subject_counts_only_from_the_key_of_its_issuer),
        UNIT_TEST(what_has_no_such_name_is_not_found),
        UNIT_TEST(a_profile_demands_signatures_by_way_in),
        UNIT_TEST(a_profile_tells_xta_what_it_says_or_what_follows_from_it),
        UNIT_TEST(a_standard_of_its_own_kind_needs_xpaths_and_no_code),
        UNIT_TEST(an_unknown_document_has_no_profile),
        UNIT_TEST(a_schema_is_looked_up_below_the_data_folder_too),
        UNIT_TEST(files_of_conf_d_make_one_configuration_in_the_order_of_names),
        UNIT_TEST(the_hash_is_the_sha_256_of_all_files_in_order),
        UNIT_TEST(a_hint_where_the_schema_is_does_no_harm),
        UNIT_TEST(the_announced_certificate_seals_from_its_moment_on),
        UNIT_TEST(only_an_announced_certificate_may_seal_after_a_reload),
        UNIT_TEST(a_key_that_must_not_be_used_any_more_is_replaced_unannounced),
        UNIT_TEST(a_place_is_where_its_partners_destinations_and_authorities_are),
        UNIT_TEST(each_certificate_is_noted_with_its_role_and_owner),
        UNIT_TEST(whoever_holds_a_configuration_finishes_with_it_after_a_reload),
    };
    if (!mg_trust_start(NULL))
        return 1;
    fixture_start();
    int status = unit_run("config", tests, sizeof tests / sizeof *tests);
    fixture_stop();
    mg_trust_stop();
    return status;
}
