#include "gateway/message/profile.h"

#include "tests/unit/message_files.h"
#include "tests/unit/unit.h"

#include <libxml/parser.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define G2G   "http://xoev.de/schemata/basisnachricht/g2g/1_1"
#define OWN   "urn:example:own"
#define UUID  "018f3b1c-9d2a-7c44-8f00-0123456789ab"
#define MONTH "2026-11-23T06:43:16Z"

static struct mg_error error;
static struct mg_header header;

static struct mg_profile_values values_of(enum mg_layout layout, const char *space)
{
    return (struct mg_profile_values){
        .name = "test", .root_namespace = space, .root_name = "*", .layout = layout};
}

static struct mg_profile *profile_of(enum mg_layout layout, const char *space)
{
    struct mg_profile_values values = values_of(layout, space);
    struct mg_profile *profile = mg_profile_new(&values, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(profile);
    return profile;
}

/* Reads the header of the text; remembers header and error. */
static bool read_text(const struct mg_profile *profile, const char *text)
{
    xmlDoc *document = message_parse(text);
    error = (struct mg_error){0};
    bool good = mg_profile_read(profile, document, &header, &error);
    xmlFreeDoc(document);
    return good;
}

/* Reads the header of a file of the project's, or of a published one; false also if it is not
 * there. */
static bool read_file(enum mg_layout layout, const char *space, char *path)
{
    struct mg_buffer content = {0};
    struct mg_profile *profile = profile_of(layout, space);
    bool good = message_read(path, &content);
    CU_ASSERT(good);
    good = good && read_text(profile, content.data);
    mg_profile_free(profile);
    mg_buffer_free(&content);
    free(path);
    return good;
}

/* A message in the layout with split keys, whose parts a test can exchange. */
struct parts {
    const char *uuid, *type, *created, *author, *reader;
};

static const struct parts good_parts = {
    .uuid = "<nachrichtenUUID>" UUID "</nachrichtenUUID>",
    .type = "<nachrichtentyp listURI='urn:list' listVersionID='1'><code>0201</code>"
            "</nachrichtentyp>",
    .created = "<erstellungszeitpunkt>" MONTH "</erstellungszeitpunkt>",
    .author = "<behoerdenkennung><praefix><code>ags</code></praefix>"
              "<kennung><code>05122000</code></kennung></behoerdenkennung>",
    .reader = "<behoerdenkennung><praefix><code>ags</code></praefix>"
              "<kennung><code>05124000</code></kennung></behoerdenkennung>",
};

static bool read_parts(const struct parts *parts)
{
    struct mg_buffer text = {0};
    struct mg_profile *profile = profile_of(MG_LAYOUT_SPLIT_KEYS, OWN);
    mg_buffer_print(&text,
                    "<m xmlns='" OWN "'><nachrichtenkopf><identifikation.nachricht>%s%s%s"
                    "</identifikation.nachricht><leser>%s</leser><autor>%s</autor>"
                    "</nachrichtenkopf></m>",
                    parts->uuid, parts->type, parts->created, parts->reader, parts->author);
    bool good = read_text(profile, text.data);
    mg_buffer_free(&text);
    mg_profile_free(profile);
    return good;
}

static void expect_refusal(const struct parts *parts, const char *code, const char *place)
{
    CU_ASSERT_FALSE(read_parts(parts));
    CU_ASSERT_STRING_EQUAL(error.code, code);
    CU_ASSERT_STRING_EQUAL(error.place, place);
    CU_ASSERT(error.text[0] != '\0');
}

static void the_own_service_message_is_read(void)
{
    CU_ASSERT_FATAL(read_file(MG_LAYOUT_BASISNACHRICHT, "urn:muengsten:message:service:1",
                              message_own_path("schemas/samples/service-0101.xml")));
    CU_ASSERT_STRING_EQUAL(header.uuid, "60b8f0e2-52c1-4f0d-9a37-7d1f6f0a2b11");
    CU_ASSERT_STRING_EQUAL(header.type_list, "urn:muengsten:codelist:service-messages");
    CU_ASSERT_STRING_EQUAL(header.type_version, "1");
    CU_ASSERT_STRING_EQUAL(header.type_code, "0101");
    CU_ASSERT_STRING_EQUAL(header.type_name, "antrag.weiterleiten.0101");
    CU_ASSERT_STRING_EQUAL(header.created, "2026-11-23T09:41:19.880+01:00");
    CU_ASSERT_STRING_EQUAL(header.author.id, "ags:05124000");
    CU_ASSERT_STRING_EQUAL(header.author.name, "Stadt Wuppertal, Bürgerportal");
    CU_ASSERT_STRING_EQUAL(header.author.directory, "DVDV");
    CU_ASSERT_STRING_EQUAL(header.reader.id, "ags:05120000");
    CU_ASSERT_STRING_EQUAL(header.reader.name, "Stadt Remscheid, Ordnungsamt");
    CU_ASSERT_STRING_EQUAL(header.reader.directory, "DVDV");
}

static void the_own_register_message_with_split_keys_is_read(void)
{
    CU_ASSERT_FATAL(read_file(MG_LAYOUT_SPLIT_KEYS, "urn:muengsten:message:register:1",
                              message_own_path("schemas/samples/register-0201.xml")));
    CU_ASSERT_STRING_EQUAL(header.uuid, "018f3b1c-a1b2-7c44-8f00-0123456789cd");
    CU_ASSERT_STRING_EQUAL(header.type_list, "urn:muengsten:codelist:register-messages");
    CU_ASSERT_STRING_EQUAL(header.type_code, "0201");
    CU_ASSERT_STRING_EQUAL(header.type_name, "");
    CU_ASSERT_STRING_EQUAL(header.author.id, "ags:05122000");
    CU_ASSERT_STRING_EQUAL(header.author.name, "Stadt Solingen, Bürgerbüro");
    CU_ASSERT_STRING_EQUAL(header.author.directory, "");
    CU_ASSERT_STRING_EQUAL(header.reader.id, "ags:05124000");
}

static void real_messages_of_xbeteiligung_are_read(void)
{
    static const char *const files[] = {
        "messages/xbeteiligung/kommunal.Initiieren.0401.xml",
        "messages/xbeteiligung/kommunal.Initiieren.0401.gwid-format.xml",
        "messages/xbeteiligung/kommunal.Initiieren.0401.pipe-format.xml",
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = message_shared_path(files[i]);
        if (!path) {
            unit_skip("no published messages beside the project");
            return;
        }
        CU_ASSERT_FATAL(read_file(MG_LAYOUT_BASISNACHRICHT,
                                  "https://www.xleitstelle.de/xbeteiligung/12", path));
        CU_ASSERT_STRING_EQUAL(header.type_list,
                               "urn:xoev-de:xleitstelle:codeliste:xbeteiligung-nachrichten");
        CU_ASSERT_STRING_EQUAL(header.type_version, "1.2");
        CU_ASSERT_STRING_EQUAL(header.type_code, "0401");
        CU_ASSERT_STRING_EQUAL(header.author.id, "xyz:0001");
        CU_ASSERT_STRING_EQUAL(header.author.name, "behoerde1");
        CU_ASSERT_STRING_EQUAL(header.reader.id, "xyz:0002");
        CU_ASSERT_EQUAL(strlen(header.uuid), 36);
    }
}

static void a_root_matches_by_namespace_and_name_with_stars(void)
{
    static const struct {
        const char *pattern, *name;
        bool good;
    } cases[] = {
        {"*", "a", true},
        {NULL, "a", true},
        {"", "a", true},
        {"a", "a", true},
        {"a", "b", false},
        {"a", "ab", false},
        {"a*", "a", true},
        {"a*", "ab", true},
        {"*b", "ab", true},
        {"*b", "abc", false},
        {"a*c", "abbc", true},
        {"a*c", "abb", false},
        {"*.*.0401", "x.y.0401", true},
        {"*.*.0401", "x.0401", false},
        {"*a*a*", "banana", true},
        {"*ab", "aab", true},
        {"a**b", "ab", true},
        {"A", "a", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mg_buffer text = {0};
        struct mg_profile_values values = values_of(MG_LAYOUT_BASISNACHRICHT, OWN);
        values.root_name = cases[i].pattern;
        struct mg_profile *profile = mg_profile_new(&values, NULL);
        mg_buffer_print(&text, "<%s xmlns='" OWN "'/>", cases[i].name);
        xmlDoc *document = message_parse(text.data);
        CU_ASSERT_EQUAL(mg_profile_matches(profile, xmlDocGetRootElement(document)), cases[i].good);
        xmlFreeDoc(document);
        mg_buffer_free(&text);
        mg_profile_free(profile);
    }
}

static void a_root_of_another_namespace_or_none_does_not_match(void)
{
    struct mg_profile *profile = profile_of(MG_LAYOUT_BASISNACHRICHT, OWN);
    xmlDoc *other = message_parse("<a xmlns='" OWN "x'/>"), *none = message_parse("<a/>");
    CU_ASSERT_FALSE(mg_profile_matches(profile, xmlDocGetRootElement(other)));
    CU_ASSERT_FALSE(mg_profile_matches(profile, xmlDocGetRootElement(none)));
    CU_ASSERT_FALSE(mg_profile_matches(profile, NULL));
    CU_ASSERT_STRING_EQUAL(mg_profile_name(profile), "test");
    xmlFreeDoc(other);
    xmlFreeDoc(none);
    mg_profile_free(profile);
}

static void the_basisnachricht_needs_its_namespaces_except_inside_codes(void)
{
    static const char layout[] =
        "<m xmlns='" OWN "'><nachrichtenkopf.g2g xmlns='" G2G "'><identifikation.nachricht>"
        "<nachrichtenUUID>" UUID "</nachrichtenUUID><nachrichtentyp listURI='urn:l'>%s"
        "</nachrichtentyp><erstellungszeitpunkt>" MONTH "</erstellungszeitpunkt>"
        "</identifikation.nachricht><leser><kennung xmlns='%s'>a:1</kennung></leser>"
        "<autor xmlns:b='http://xoev.de/schemata/basisnachricht/behoerde/1_1'>"
        "<b:kennung>a:2</b:kennung></autor></nachrichtenkopf.g2g></m>";
    static const char authority[] = "http://xoev.de/schemata/basisnachricht/behoerde/1_1";
    static const struct {
        const char *code, *space, *missing; /* NULL: it is good */
    } cases[] = {
        {"<code xmlns=''>1</code>", authority, NULL},
        {"<code>1</code>", authority, NULL},
        {"<code xmlns='urn:else'>1</code>", authority, "type-code"},
        {"<code>1</code>", G2G, "reader"},
        {"<code>1</code>", "", "reader"},
    };
    struct mg_profile *profile = profile_of(MG_LAYOUT_BASISNACHRICHT, OWN);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[2048];
        snprintf(text, sizeof text, layout, cases[i].code, cases[i].space);
        CU_ASSERT_EQUAL(read_text(profile, text), cases[i].missing == NULL);
        CU_ASSERT_STRING_EQUAL(error.place, cases[i].missing ? cases[i].missing : "");
    }
    mg_profile_free(profile);
}

static void a_header_that_stands_elsewhere_is_no_header(void)
{
    struct mg_profile *profile = profile_of(MG_LAYOUT_BASISNACHRICHT, OWN);
    CU_ASSERT_FALSE(
        read_text(profile, "<m xmlns='" OWN "'><x><nachrichtenkopf.g2g xmlns='" G2G "'/></x></m>"));
    CU_ASSERT_STRING_EQUAL(error.code, "header.missing");
    CU_ASSERT_FALSE(read_text(profile, "<m xmlns='" OWN "'/>"));
    CU_ASSERT_STRING_EQUAL(error.code, "header.missing");
    mg_profile_free(profile);
}

static void split_keys_may_be_unqualified_under_a_header_of_any_suffix(void)
{
    struct mg_profile *profile = profile_of(MG_LAYOUT_SPLIT_KEYS, OWN);
    static const char layout[] =
        "<m:m xmlns:m='" OWN "'><%s><identifikation.nachricht><nachrichtenUUID>" UUID
        "</nachrichtenUUID><nachrichtentyp listURI='urn:l'><m:code>1</m:code></nachrichtentyp>"
        "<m:erstellungszeitpunkt>" MONTH "</m:erstellungszeitpunkt></identifikation.nachricht>"
        "<leser><kennung>a:1</kennung><name>N</name></leser><m:autor><kennung>a:2</kennung>"
        "<verzeichnisdienst><code>D</code></verzeichnisdienst></m:autor></%s></m:m>";
    char text[2048];
    snprintf(text, sizeof text, layout, "nachrichtenkopf.g2g", "nachrichtenkopf.g2g");
    CU_ASSERT(read_text(profile, text));
    CU_ASSERT_STRING_EQUAL(header.reader.id, "a:1");
    CU_ASSERT_STRING_EQUAL(header.reader.name, "N");
    CU_ASSERT_STRING_EQUAL(header.author.id, "a:2");
    CU_ASSERT_STRING_EQUAL(header.author.directory, "D");
    snprintf(text, sizeof text, layout, "nachrichtenkopfx", "nachrichtenkopfx");
    CU_ASSERT_FALSE(read_text(profile, text));
    mg_profile_free(profile);
}

static void each_fact_that_must_be_there_is_missed_by_name(void)
{
    CU_ASSERT(read_parts(&good_parts));
    struct parts parts = good_parts;
    parts.uuid = "";
    expect_refusal(&parts, "header.missing", "uuid");
    parts.uuid = "<nachrichtenUUID>  </nachrichtenUUID>";
    expect_refusal(&parts, "header.missing", "uuid");
    parts.uuid = "<nachrichtenUUID>" UUID "<b/></nachrichtenUUID>";
    expect_refusal(&parts, "header.missing", "uuid");
    parts = good_parts;
    parts.type = "";
    expect_refusal(&parts, "header.missing", "type-list");
    parts.type = "<nachrichtentyp><code>1</code></nachrichtentyp>";
    expect_refusal(&parts, "header.missing", "type-list");
    parts.type = "<nachrichtentyp listURI=''><code>1</code></nachrichtentyp>";
    expect_refusal(&parts, "header.missing", "type-list");
    parts.type = "<nachrichtentyp listURI='urn:l'/>";
    expect_refusal(&parts, "header.missing", "type-code");
    parts = good_parts;
    parts.created = "";
    expect_refusal(&parts, "header.missing", "created");
    parts = good_parts;
    parts.author = "<behoerdenkennung><praefix><code>ags</code></praefix></behoerdenkennung>";
    expect_refusal(&parts, "header.missing", "author");
    parts = good_parts;
    parts.reader = "<behoerdenkennung><kennung><code>1</code></kennung></behoerdenkennung>";
    expect_refusal(&parts, "header.missing", "reader");
}

static void facts_fit_to_the_last_byte_and_no_further(void)
{
    char name[512], filler[301];
    memset(filler, 'n', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    struct parts parts = good_parts;
    parts.reader = name;
    snprintf(name, sizeof name, "%s<behoerdenname>%.255s</behoerdenname>", good_parts.reader,
             filler);
    CU_ASSERT(read_parts(&parts));
    CU_ASSERT_EQUAL(strlen(header.reader.name), 255);
    snprintf(name, sizeof name, "%s<behoerdenname>%.256s</behoerdenname>", good_parts.reader,
             filler);
    expect_refusal(&parts, "header.too-long", "reader-name");
    snprintf(name, sizeof name, "<kennung>a:%.125s</kennung>", filler);
    CU_ASSERT(read_parts(&parts));
    snprintf(name, sizeof name, "<kennung>a:%.126s</kennung>", filler);
    expect_refusal(&parts, "header.too-long", "reader");
    snprintf(name, sizeof name,
             "<behoerdenkennung><praefix><code>%.100s</code></praefix>"
             "<kennung><code>%.100s</code></kennung></behoerdenkennung>",
             filler, filler);
    expect_refusal(&parts, "header.too-long", "reader");
    parts = good_parts;
    parts.type = name;
    snprintf(name, sizeof name, "<nachrichtentyp listURI='%.255s'><code>1</code></nachrichtentyp>",
             filler);
    CU_ASSERT(read_parts(&parts));
    snprintf(name, sizeof name, "<nachrichtentyp listURI='%.256s'><code>1</code></nachrichtentyp>",
             filler);
    expect_refusal(&parts, "header.too-long", "type-list");
}

static void a_huge_fact_is_refused(void)
{
    struct mg_buffer text = {0};
    struct parts parts = good_parts;
    mg_buffer_add_text(&text, "<nachrichtenUUID>");
    memset(mg_buffer_reserve(&text, 1000000), 'x', 1000000);
    mg_buffer_used(&text, 1000000);
    mg_buffer_add_text(&text, "</nachrichtenUUID>");
    parts.uuid = text.data;
    expect_refusal(&parts, "header.too-long", "uuid");
    mg_buffer_free(&text);
}

static void an_identifier_that_is_no_uuid_is_refused(void)
{
    static const char *const bad[] = {"4711", UUID "0", "{" UUID "}",
                                      "018f3b1c-9d2a-7c44-8f00-0123456789ag"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char uuid[128];
        struct parts parts = good_parts;
        parts.uuid = uuid;
        snprintf(uuid, sizeof uuid, "<nachrichtenUUID>%.60s</nachrichtenUUID>", bad[i]);
        expect_refusal(&parts, "header.uuid", "uuid");
    }
}

static void a_uuid_is_kept_in_lower_case(void)
{
    struct parts parts = good_parts;
    parts.uuid = "<nachrichtenUUID> 018F3B1C-9D2A-7C44-8F00-0123456789AB\n</nachrichtenUUID>";
    CU_ASSERT(read_parts(&parts));
    CU_ASSERT_STRING_EQUAL(header.uuid, UUID);
}

static void a_time_of_creation_must_be_an_xs_date_time(void)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"2026-11-23T06:43:16", true},
        {"2026-11-23T06:43:16Z", true},
        {"2026-11-23T06:43:16.123456789+14:00", true},
        {"2024-02-29T24:00:00.000-13:59", true},
        {"2000-02-29T00:00:00Z", true},
        {"2026-02-29T00:00:00Z", false},
        {"1900-02-29T00:00:00Z", false},
        {"2026-04-31T00:00:00Z", false},
        {"2026-11-23", false},
        {"2026-11-23 06:43:16Z", false},
        {"2026-11-23T06:43Z", false},
        {"2026-13-01T00:00:00Z", false},
        {"2026-00-01T00:00:00Z", false},
        {"2026-01-00T00:00:00Z", false},
        {"0000-01-01T00:00:00Z", false},
        {"2026-01-01T25:00:00Z", false},
        {"2026-01-01T24:00:01Z", false},
        {"2026-01-01T24:00:00.1Z", false},
        {"2026-01-01T00:60:00Z", false},
        {"2026-01-01T00:00:60Z", false},
        {"2026-01-01T00:00:00.Z", false},
        {"2026-01-01T00:00:00+14:01", false},
        {"2026-01-01T00:00:00+1:00", false},
        {"2026-01-01T00:00:00z", false},
        {"2026-01-01T00:00:00Zx", false},
        {"-2026-01-01T00:00:00Z", false},
        {"yesterday", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char created[128];
        struct parts parts = good_parts;
        parts.created = created;
        snprintf(created, sizeof created, "<erstellungszeitpunkt>%s</erstellungszeitpunkt>",
                 cases[i].text);
        if (cases[i].good)
            CU_ASSERT(read_parts(&parts));
        if (!cases[i].good)
            expect_refusal(&parts, "header.created", "created");
    }
}

static void an_authority_must_be_prefix_and_key(void)
{
    static const char *const good[] = {"a:1", "A-b_c.9:x/y:z", "psw:01003110", "a:\xC3\xA4"};
    static const char *const bad[] = {
        "05124000", ":05124000", "ags:",      "ags:05 124", "ags:*",       "a*:1",
        "a b:1",    "ä:1",       "ags:x\x7F", "a:\xC2\x85", "a:1\xC2\xA0", "a:&#9;1",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good + sizeof bad / sizeof *bad; i++) {
        bool is_good = i < sizeof good / sizeof *good;
        char id[128];
        struct parts parts = good_parts;
        parts.author = id;
        snprintf(id, sizeof id, "<kennung>%s</kennung>",
                 is_good ? good[i] : bad[i - sizeof good / sizeof *good]);
        if (is_good)
            CU_ASSERT(read_parts(&parts));
        if (!is_good)
            expect_refusal(&parts, "header.authority", "author");
    }
}

static void a_comment_does_not_divide_a_fact(void)
{
    struct parts parts = good_parts;
    parts.author = "<kennung>ags:0512<!-- -->2000</kennung>";
    CU_ASSERT(read_parts(&parts));
    CU_ASSERT_STRING_EQUAL(header.author.id, "ags:05122000");
}

static void a_processing_instruction_in_a_fact_is_refused(void)
{
    struct parts parts = good_parts;
    parts.author = "<kennung>ags:05122000<?p?>-1</kennung>";
    expect_refusal(&parts, "header.instruction", "author");
    parts.author = "<kennung><?p?>ags:05122000</kennung>";
    expect_refusal(&parts, "header.instruction", "author");
    parts = good_parts;
    parts.uuid = "<nachrichtenUUID>" UUID "<?p?></nachrichtenUUID>";
    expect_refusal(&parts, "header.instruction", "uuid");
    CU_ASSERT_STRING_EQUAL(header.uuid, "");
    parts.uuid = "<?p?>"
                 "<nachrichtenUUID>" UUID "</nachrichtenUUID>";
    CU_ASSERT(read_parts(&parts));
}

static void a_fact_is_one_line(void)
{
    struct parts parts = good_parts;
    char reader[512];
    parts.reader = reader;
    snprintf(reader, sizeof reader, "%s<behoerdenname>Stadt\n\tS&#13;</behoerdenname>",
             good_parts.reader);
    CU_ASSERT(read_parts(&parts));
    CU_ASSERT_STRING_EQUAL(header.reader.name, "Stadt  S");
}

/* A standard of quite another shape. */
static struct mg_profile_values xpath_values(void)
{
    struct mg_profile_values values = values_of(MG_LAYOUT_XPATH, OWN);
    values.xpath[MG_FACT_UUID] = "o:head/@id";
    values.xpath[MG_FACT_TYPE_LIST] = "'urn:example:types'";
    values.xpath[MG_FACT_TYPE_CODE] = "substring-after(local-name(/*), '.')";
    values.xpath[MG_FACT_CREATED] = "/o:order.7/o:head/o:when";
    values.xpath[MG_FACT_AUTHOR] = "concat('city:', normalize-space(//o:from/@key))";
    values.xpath[MG_FACT_READER] = "o:head/o:to[@kind = 'main']";
    values.xpath[MG_FACT_READER_NAME] = "o:head/o:to[@kind = 'main']/@name";
    values.namespaces[0].prefix = "o";
    values.namespaces[0].uri = OWN;
    values.namespace_count = 1;
    return values;
}

static const char order[] =
    "<order.7 xmlns='" OWN "'><head id='" UUID "'><when> " MONTH " </when><from key=' 1 '/>"
    "<to kind='copy'>city:3</to><to kind='main' name='N'>city:2</to></head></order.7>";

static void xpaths_find_the_facts_of_any_layout(void)
{
    struct mg_profile_values values = xpath_values();
    struct mg_profile *profile = mg_profile_new(&values, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(profile);
    CU_ASSERT_FATAL(read_text(profile, order));
    CU_ASSERT_STRING_EQUAL(header.uuid, UUID);
    CU_ASSERT_STRING_EQUAL(header.type_list, "urn:example:types");
    CU_ASSERT_STRING_EQUAL(header.type_version, "");
    CU_ASSERT_STRING_EQUAL(header.type_code, "7");
    CU_ASSERT_STRING_EQUAL(header.created, MONTH);
    CU_ASSERT_STRING_EQUAL(header.author.id, "city:1");
    CU_ASSERT_STRING_EQUAL(header.reader.id, "city:2");
    CU_ASSERT_STRING_EQUAL(header.reader.name, "N");
    CU_ASSERT_FALSE(read_text(profile, "<order.7 xmlns='" OWN "'/>"));
    CU_ASSERT_STRING_EQUAL(error.code, "header.missing");
    CU_ASSERT_STRING_EQUAL(error.place, "uuid");
    mg_profile_free(profile);
}

static void a_comment_does_not_end_a_text_that_an_xpath_takes(void)
{
    struct mg_profile_values values = xpath_values();
    values.xpath[MG_FACT_READER] = "string(o:head/o:to/text())";
    struct mg_profile *profile = mg_profile_new(&values, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(profile);
    static const char text[] =
        "<order.7 xmlns='" OWN "'><head id='" UUID "'><when>" MONTH "</when><from key='1'/>"
        "<to>city:2<!-- -->3<![CDATA[4]]>5</to></head></order.7>";
    CU_ASSERT_FATAL(read_text(profile, text));
    CU_ASSERT_STRING_EQUAL(header.reader.id, "city:2345");
    mg_profile_free(profile);
    values.xpath[MG_FACT_READER] = "o:head/o:to/text()";
    profile = mg_profile_new(&values, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(profile);
    CU_ASSERT_FALSE(read_text(profile, "<order.7 xmlns='" OWN "'><head id='" UUID "'><when>" MONTH
                                       "</when><from key='1'/><to>city:2<?p?>3</to></head>"
                                       "</order.7>"));
    CU_ASSERT_STRING_EQUAL(error.code, "header.instruction");
    mg_profile_free(profile);
}

static void *read_often(void *profile)
{
    struct mg_header read;
    for (int i = 0; i < 200; i++) {
        xmlDoc *document = message_parse(order);
        if (!mg_profile_read(profile, document, &read, NULL) || strcmp(read.type_code, "7") != 0)
            i = 1000;
        xmlFreeDoc(document);
        if (i >= 1000)
            return profile;
    }
    return NULL;
}

static void threads_share_one_compiled_profile(void)
{
    struct mg_profile_values values = xpath_values();
    struct mg_profile *profile = mg_profile_new(&values, &error);
    pthread_t threads[4];
    CU_ASSERT_PTR_NOT_NULL_FATAL(profile);
    for (size_t i = 0; i < 4; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, read_often, profile), 0);
    for (size_t i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        CU_ASSERT_PTR_NULL(failed);
    }
    mg_profile_free(profile);
}

static void an_xpath_that_runs_away_finds_nothing(void)
{
    struct mg_profile_values values = xpath_values();
    struct mg_buffer text = {0};
    values.xpath[MG_FACT_UUID] = "//*[count(//*[. = '" UUID "']) = 7]";
    struct mg_profile *profile = mg_profile_new(&values, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(profile);
    mg_buffer_add_text(&text, "<order.7 xmlns='" OWN "'>");
    for (int i = 0; i < 20000; i++)
        mg_buffer_add_text(&text, "<a/>");
    mg_buffer_add_text(&text, "</order.7>");
    CU_ASSERT_FALSE(read_text(profile, text.data));
    CU_ASSERT_STRING_EQUAL(error.code, "header.missing");
    mg_buffer_free(&text);
    mg_profile_free(profile);
}

static void an_xpath_that_does_not_work_is_named_with_the_reason(void)
{
    static const char *const bad[] = {"o:head[", "x:head/@id", "document('file:///etc/passwd')",
                                      "$variable", "o:head/"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct mg_profile_values values = xpath_values();
        values.xpath[MG_FACT_CREATED] = bad[i];
        error = (struct mg_error){0};
        CU_ASSERT_PTR_NULL(mg_profile_new(&values, &error));
        CU_ASSERT_STRING_EQUAL(error.code, "config.profile-xpath");
        CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "created of profile test"));
        CU_ASSERT(strlen(strrchr(error.text, ':')) > 3);
    }
}

static void an_incomplete_profile_is_refused(void)
{
    struct mg_profile_values values = xpath_values();
    values.xpath[MG_FACT_READER] = NULL;
    CU_ASSERT_PTR_NULL(mg_profile_new(&values, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "config.profile-incomplete");
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "reader"));
    values = values_of(MG_LAYOUT_BASISNACHRICHT, NULL);
    CU_ASSERT_PTR_NULL(mg_profile_new(&values, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "config.profile-incomplete");
    values = values_of(MG_LAYOUT_BASISNACHRICHT, OWN);
    values.name = "";
    CU_ASSERT_PTR_NULL(mg_profile_new(&values, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "config.profile-incomplete");
    mg_profile_free(NULL);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(the_own_service_message_is_read),
        UNIT_TEST(the_own_register_message_with_split_keys_is_read),
        UNIT_TEST(real_messages_of_xbeteiligung_are_read),
        UNIT_TEST(a_root_matches_by_namespace_and_name_with_stars),
        UNIT_TEST(a_root_of_another_namespace_or_none_does_not_match),
        UNIT_TEST(the_basisnachricht_needs_its_namespaces_except_inside_codes),
        UNIT_TEST(a_header_that_stands_elsewhere_is_no_header),
        UNIT_TEST(split_keys_may_be_unqualified_under_a_header_of_any_suffix),
        UNIT_TEST(each_fact_that_must_be_there_is_missed_by_name),
        UNIT_TEST(facts_fit_to_the_last_byte_and_no_further),
        UNIT_TEST(a_huge_fact_is_refused),
        UNIT_TEST(an_identifier_that_is_no_uuid_is_refused),
        UNIT_TEST(a_uuid_is_kept_in_lower_case),
        UNIT_TEST(a_time_of_creation_must_be_an_xs_date_time),
        UNIT_TEST(an_authority_must_be_prefix_and_key),
        UNIT_TEST(a_comment_does_not_divide_a_fact),
        UNIT_TEST(a_comment_does_not_end_a_text_that_an_xpath_takes),
        UNIT_TEST(a_processing_instruction_in_a_fact_is_refused),
        UNIT_TEST(a_fact_is_one_line),
        UNIT_TEST(xpaths_find_the_facts_of_any_layout),
        UNIT_TEST(threads_share_one_compiled_profile),
        UNIT_TEST(an_xpath_that_runs_away_finds_nothing),
        UNIT_TEST(an_xpath_that_does_not_work_is_named_with_the_reason),
        UNIT_TEST(an_incomplete_profile_is_refused),
    };
    xmlInitParser();
    return unit_run("profile", tests, sizeof tests / sizeof *tests);
}
