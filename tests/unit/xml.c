#include "gateway/message/xml.h"
#include "gateway/base/buffer.h"
#include "gateway/base/characters.h"
#include "tests/unit/unit.h"

#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct mg_error error;

static struct mg_xml_limits defaults(void)
{
    struct mg_xml_limits limits;
    mg_xml_limits_default(&limits);
    return limits;
}

static bool scans(const struct mg_buffer *document, const struct mg_xml_limits *limits)
{
    error = (struct mg_error){0};
    return mg_xml_scan(document->data, document->length, limits, &error);
}

/* True if the bytes pass the scan and the parse. */
static bool parses_bytes(const char *bytes, size_t length)
{
    struct mg_xml_limits limits = defaults();
    error = (struct mg_error){0};
    xmlDoc *document = mg_xml_parse(bytes, length, &limits, &error);
    xmlFreeDoc(document);
    return document != NULL;
}

static bool parses(const char *text)
{
    return parses_bytes(text, strlen(text));
}

static void expect_refusal(const char *text, const char *code)
{
    CU_ASSERT_FALSE(parses(text));
    CU_ASSERT_STRING_EQUAL(error.code, code);
    CU_ASSERT(error.text[0] != '\0' && strncmp(error.place, "line ", 5) == 0);
    if (strcmp(error.code, code) != 0)
        printf("# %s instead of %s: %s\n", error.code, code, text);
}

/* As above, and the scan alone must have seen it. */
static void expect_scan_refusal(const char *text, const char *code)
{
    struct mg_xml_limits limits = defaults();
    expect_refusal(text, code);
    CU_ASSERT_FALSE(mg_xml_scan(text, strlen(text), &limits, NULL));
}

static void nest(struct mg_buffer *document, int depth)
{
    for (int i = 0; i < depth; i++)
        mg_buffer_add_text(document, "<a>");
    for (int i = 0; i < depth; i++)
        mg_buffer_add_text(document, "</a>");
}

static void expect_depth(size_t limit, int depth, bool good)
{
    struct mg_xml_limits limits = defaults();
    struct mg_buffer document = {0};
    limits.depth = limit;
    nest(&document, depth);
    CU_ASSERT_EQUAL(scans(&document, &limits), good);
    if (!good)
        CU_ASSERT_STRING_EQUAL(error.code, "xml.too-deep");
    xmlDoc *parsed = mg_xml_parse(document.data, document.length, &limits, NULL);
    CU_ASSERT_EQUAL(parsed != NULL, good);
    xmlFreeDoc(parsed);
    mg_buffer_free(&document);
}

static void elements_are_nested_as_deep_as_the_limit_and_no_deeper(void)
{
    expect_depth(100, 100, true);
    expect_depth(100, 101, false);
    expect_depth(1, 1, true);
    expect_depth(1, 2, false);
}

static void no_limit_goes_deeper_than_the_parser_does(void)
{
    expect_depth(100000, 256, true);
    expect_depth(100000, 257, false);
}

static void an_empty_element_counts_for_the_depth(void)
{
    struct mg_xml_limits limits = defaults();
    limits.depth = 2;
    CU_ASSERT(mg_xml_scan("<a><b/><b/></a>", 15, &limits, NULL));
    CU_ASSERT_FALSE(mg_xml_scan("<a><b><c/></b></a>", 18, &limits, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "xml.too-deep");
}

/* Of this thread, in microseconds: on a busy machine the clock tells what others do. */
static int64_t processor_time(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void ten_thousand_levels_are_refused_in_under_ten_milliseconds(void)
{
    struct mg_xml_limits limits = defaults();
    struct mg_buffer document = {0};
    nest(&document, 10000);
    int64_t begin = processor_time();
    CU_ASSERT_PTR_NULL(mg_xml_parse(document.data, document.length, &limits, &error));
    CU_ASSERT(processor_time() - begin < unit_patience(10) * 1000);
    CU_ASSERT_STRING_EQUAL(error.code, "xml.too-deep");
    mg_buffer_free(&document);
}

static void element_with_attributes(struct mg_buffer *document, int count)
{
    mg_buffer_add_text(document, "<a");
    for (int i = 0; i < count; i++)
        mg_buffer_print(document, " a%d='1'", i);
    mg_buffer_add_text(document, "/>");
}

static void a_start_tag_has_as_many_attributes_as_the_limit_and_no_more(void)
{
    struct mg_xml_limits limits = defaults();
    struct mg_buffer document = {0};
    element_with_attributes(&document, 64);
    CU_ASSERT(scans(&document, &limits));
    mg_buffer_clear(&document);
    element_with_attributes(&document, 65);
    CU_ASSERT_FALSE(scans(&document, &limits));
    CU_ASSERT_STRING_EQUAL(error.code, "xml.too-many-attributes");
    mg_buffer_free(&document);
}

static void a_hundred_thousand_attributes_are_refused_in_under_ten_milliseconds(void)
{
    struct mg_xml_limits limits = defaults();
    struct mg_buffer document = {0};
    element_with_attributes(&document, 100000);
    int64_t begin = processor_time();
    CU_ASSERT_PTR_NULL(mg_xml_parse(document.data, document.length, &limits, &error));
    CU_ASSERT(processor_time() - begin < unit_patience(10) * 1000);
    CU_ASSERT_STRING_EQUAL(error.code, "xml.too-many-attributes");
    mg_buffer_free(&document);
}

static void all_attributes_together_are_limited_by_the_limit_of_elements(void)
{
    struct mg_xml_limits limits = defaults();
    limits.elements = 10;
    limits.attributes = 6;
    struct mg_buffer document = {0};
    mg_buffer_add_text(&document, "<r>");
    for (int i = 0; i < 5; i++)
        element_with_attributes(&document, 6);
    element_with_attributes(&document, 3);
    mg_buffer_add_text(&document, "</r>");
    CU_ASSERT(scans(&document, &limits));
    document.length -= 4;
    element_with_attributes(&document, 1);
    mg_buffer_add_text(&document, "</r>");
    CU_ASSERT_FALSE(scans(&document, &limits));
    CU_ASSERT_STRING_EQUAL(error.code, "xml.too-many-attributes");
    mg_buffer_free(&document);
}

static void declare(struct mg_buffer *document, int count, int elements)
{
    mg_buffer_add_text(document, "<r");
    for (int i = 0; i < count; i++)
        mg_buffer_print(document, " xmlns:n%d = 'urn:x:%d'", i, i);
    mg_buffer_add_text(document, ">");
    for (int i = 0; i < elements; i++)
        mg_buffer_add_text(document, "<n0:a/>");
    mg_buffer_add_text(document, "</r>");
}

static void many_elements_under_many_namespaces_are_refused_before_they_cost_seconds(void)
{
    struct mg_xml_limits limits = defaults();
    struct mg_buffer document = {0};
    declare(&document, 20, 199000);
    CU_ASSERT(scans(&document, &limits));
    mg_buffer_clear(&document);
    declare(&document, 64, 19000);
    CU_ASSERT(scans(&document, &limits));
    mg_buffer_clear(&document);
    declare(&document, 64, 20000);
    CU_ASSERT_FALSE(scans(&document, &limits));
    CU_ASSERT_STRING_EQUAL(error.code, "xml.too-many-attributes");
    mg_buffer_free(&document);
}

static void declarations_of_an_element_that_has_ended_no_longer_count(void)
{
    struct mg_xml_limits limits = defaults();
    struct mg_buffer document = {0};
    mg_buffer_add_text(&document, "<r>");
    for (int i = 0; i < 50000; i++)
        mg_buffer_add_text(&document, "<a xmlns='urn:a' xmlns:b='urn:b'><b:c/></a>");
    mg_buffer_add_text(&document, "</r>");
    CU_ASSERT(scans(&document, &limits));
    mg_buffer_free(&document);
}

static void a_document_has_as_many_elements_as_the_limit_and_no_more(void)
{
    struct mg_xml_limits limits = defaults();
    limits.elements = 3;
    CU_ASSERT(mg_xml_scan("<a><b/><b></b></a>", 18, &limits, NULL));
    CU_ASSERT_FALSE(mg_xml_scan("<a><b/><b/><b/></a>", 19, &limits, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "xml.too-many-elements");
}

static void comments_instructions_and_cdata_sections_count_like_elements(void)
{
    static const char *const nodes[] = {"<!---->", "<?p?>", "<![CDATA[]]>"};
    struct mg_xml_limits limits = defaults();
    limits.elements = 2;
    for (size_t i = 0; i < 3; i++) {
        struct mg_buffer document = {0};
        mg_buffer_print(&document, "<a>%s</a>", nodes[i]);
        CU_ASSERT(scans(&document, &limits));
        mg_buffer_clear(&document);
        mg_buffer_print(&document, "<a>%s%s</a>", nodes[i], nodes[i]);
        CU_ASSERT_FALSE(scans(&document, &limits));
        CU_ASSERT_STRING_EQUAL(error.code, "xml.too-many-elements");
        mg_buffer_free(&document);
    }
}

static void a_start_tag_is_as_long_as_the_limit_and_no_longer(void)
{
    static const char *const tags[] = {"<a b='12345'>",  "<a b=\"1234\" >", "<a bc = '12'>",
                                       "<abcdefghijkl>", "<a          >",   "<a b='12345'   >"};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        struct mg_xml_limits limits = defaults();
        struct mg_buffer document = {0};
        mg_buffer_print(&document, "%.*s</a>", (int)strlen(tags[i]), tags[i]);
        limits.start_tag = strlen(tags[i]);
        CU_ASSERT(scans(&document, &limits));
        for (limits.start_tag--; limits.start_tag > 1; limits.start_tag--) {
            CU_ASSERT_FALSE(scans(&document, &limits));
            CU_ASSERT_STRING_EQUAL(error.code, "xml.start-tag-too-long");
        }
        mg_buffer_free(&document);
    }
}

static void the_slash_of_an_empty_element_counts_for_the_start_tag(void)
{
    struct mg_xml_limits limits = defaults();
    limits.start_tag = 4;
    CU_ASSERT(mg_xml_scan("<a/>", 4, &limits, NULL));
    limits.start_tag = 3;
    CU_ASSERT_FALSE(mg_xml_scan("<a/>", 4, &limits, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "xml.start-tag-too-long");
}

static void text_between_two_tags_is_as_long_as_the_limit_and_no_longer(void)
{
    /* What stands between tags in each is ten bytes of character data. */
    static const char *const texts[] = {
        "<a>0123456789</a>",
        "<a>     <b/>0123456789<b/>     </a>",
        "<a>012<!--comment-->345<?p i?>6789</a>",
        "<a>01<![CDATA[<b>3]]>&#9;</a>",
        "<a><![CDATA[01234]]><![CDATA[56789]]></a>",
        "<a>12345&amp;</a>",
        "<a>0123456789<b>0123456789</b>0123456789</a>",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct mg_xml_limits limits = defaults();
        struct mg_buffer document = {0};
        mg_buffer_add_text(&document, texts[i]);
        limits.text = 10;
        CU_ASSERT(scans(&document, &limits));
        limits.text = 9;
        CU_ASSERT_FALSE(scans(&document, &limits));
        CU_ASSERT_STRING_EQUAL(error.code, "xml.text-too-long");
        mg_buffer_free(&document);
    }
}

static void a_text_of_nine_megabytes_is_refused(void)
{
    struct mg_buffer document = {0};
    mg_buffer_add_text(&document, "<a>");
    memset(mg_buffer_reserve(&document, 9000000), 'x', 9000000);
    mg_buffer_used(&document, 9000000);
    mg_buffer_add_text(&document, "</a>");
    CU_ASSERT_FALSE(parses_bytes(document.data, document.length));
    CU_ASSERT_STRING_EQUAL(error.code, "xml.text-too-long");
    mg_buffer_free(&document);
}

static void a_document_is_as_large_as_the_limit_and_no_larger(void)
{
    struct mg_xml_limits limits = defaults();
    limits.size = 4;
    CU_ASSERT(mg_xml_scan("<a/>", 4, &limits, NULL));
    CU_ASSERT_FALSE(mg_xml_scan("<a/>\n", 5, &limits, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "xml.too-large");
}

static void a_document_of_fifteen_megabytes_within_the_limits_is_read(void)
{
    struct mg_buffer document = {0};
    mg_buffer_add_text(&document, "<a>\n");
    for (int i = 0; i < 15; i++) {
        mg_buffer_add_text(&document, "<b>");
        memset(mg_buffer_reserve(&document, 1000000), 'x', 1000000);
        mg_buffer_used(&document, 1000000);
        mg_buffer_add_text(&document, "</b>\n");
    }
    mg_buffer_add_text(&document, "</a>");
    CU_ASSERT(parses_bytes(document.data, document.length));
    mg_buffer_free(&document);
}

static void a_document_type_is_refused_wherever_and_however_it_is_written(void)
{
    expect_scan_refusal("<!DOCTYPE a><a/>", "xml.doctype");
    expect_scan_refusal("<!doctype a><a/>", "xml.doctype");
    expect_scan_refusal("<?xml version='1.0'?>\n<!-- c --><?p?>\n<!DOCTYPE a [\n<!ENTITY e 'x'>]>"
                        "<a>&e;</a>",
                        "xml.doctype");
    expect_scan_refusal("\xEF\xBB\xBF<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "xml.doctype");
    expect_scan_refusal("<!DOCTYPE a PUBLIC '-//x' 'http://127.0.0.1:9/x.dtd'><a/>", "xml.doctype");
    expect_scan_refusal("<!DOCTYPE", "xml.doctype");
    expect_scan_refusal("<a><!DOCTYPE a></a>", "xml.doctype");
    expect_scan_refusal("<a/><!DOCTYPE a>", "xml.doctype");
    CU_ASSERT_STRING_EQUAL(error.place, "line 1");
}

static void billion_laughs_and_external_entities_are_refused(void)
{
    expect_scan_refusal("<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>"
                        "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'>]><l>&c;</l>",
                        "xml.doctype");
    expect_scan_refusal("<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>",
                        "xml.doctype");
    expect_scan_refusal("<!DOCTYPE a [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/'> %p;]><a/>",
                        "xml.doctype");
}

static void declarations_outside_a_document_type_are_malformed(void)
{
    expect_scan_refusal("<!ENTITY e 'x'><a/>", "xml.malformed");
    expect_scan_refusal("<a><!ENTITY e 'x'></a>", "xml.malformed");
    expect_scan_refusal("<a><!ELEMENT e ANY></a>", "xml.malformed");
    expect_scan_refusal("<![INCLUDE[<a/>]]>", "xml.malformed");
    expect_scan_refusal("<a><!></a>", "xml.malformed");
}

static void an_entity_that_nobody_declared_is_malformed(void)
{
    expect_refusal("<a>&e;</a>", "xml.malformed");
    expect_refusal("<a b='&e;'/>", "xml.malformed");
    expect_refusal("<a>\n\n&nbsp;</a>", "xml.malformed");
    CU_ASSERT_STRING_EQUAL(error.place, "line 3");
    CU_ASSERT_PTR_NULL(strstr(error.text, "nbsp"));
    CU_ASSERT(parses("<a b='&lt;&#65;'>&amp;&lt;&gt;&quot;&apos;&#x41;</a>"));
}

static void utf_8_may_be_declared_in_any_case_or_not_at_all(void)
{
    CU_ASSERT(parses("<a/>"));
    CU_ASSERT(parses(" \n<a/>"));
    CU_ASSERT(parses("<?xml version='1.0'?><a/>"));
    CU_ASSERT(parses("<?xml version=\"1.0\" encoding=\"utf-8\"?><a/>"));
    CU_ASSERT(parses("<?xml\tversion = '1.0'\nencoding = 'Utf-8' standalone = 'yes' ?><a/>"));
    CU_ASSERT(parses("\xEF\xBB\xBF<?xml version='1.0' encoding='UTF-8' standalone='no'?><a/>"));
    CU_ASSERT(parses("\xEF\xBB\xBF<a>\xC3\xA4\xE2\x82\xAC\xF0\x9F\x8C\x89</a>"));
}

static void other_declared_encodings_are_refused(void)
{
    expect_scan_refusal("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "xml.encoding");
    expect_scan_refusal("<?xml version='1.0' encoding='UTF-7'?><a>+ADw-b/+AD4-</a>",
                        "xml.encoding");
    expect_scan_refusal("<?xml version='1.0' encoding='UTF-16'?><a/>", "xml.encoding");
    expect_scan_refusal("<?xml version='1.0' encoding='UTF-8x'?><a/>", "xml.encoding");
    expect_scan_refusal("<?xml version='1.0' encoding=''?><a/>", "xml.encoding");
}

static void documents_in_other_encodings_are_refused(void)
{
    static const struct {
        const char *bytes;
        size_t length;
    } documents[] = {
        {"\xFF\xFE<\0a\0/\0>\0", 10}, {"\xFE\xFF\0<\0a\0/\0>", 10}, {"<\0a\0/\0>\0", 8},
        {"\0<\0a\0/\0>", 8},          {"\0\0\xFE\xFF\0\0\0<", 8},   {"\xFF\xFE\0\0<\0\0\0", 8},
        {"\0\0\0<\0\0\0a", 8},        {"<\0\0\0a\0\0\0", 8},        {"\x4C\x6F\xA7\x94\x93\x40", 6},
        {"<a>M\xFCngsten</a>", 14},
    };
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        CU_ASSERT_FALSE(parses_bytes(documents[i].bytes, documents[i].length));
        CU_ASSERT_STRING_EQUAL(error.code, "xml.encoding");
    }
}

static void what_is_no_utf_8_is_refused_in_text_names_values_and_comments(void)
{
    static const char *const sequences[] = {
        "\x80",
        "\xBF",
        "\xC0\x80",
        "\xC1\xBF",
        "\xC3",
        "\xC3\x28",
        "\xE0\x80\xAF",
        "\xE0\x9F\xBF",
        "\xE2\x82",
        "\xED\xA0\x80",
        "\xED\xBF\xBF",
        "\xF0\x80\x80\xAF",
        "\xF0\x8F\xBF\xBF",
        "\xF0\x9F\x8C",
        "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80",
        "\xF8\x88\x80\x80",
        "\xFE",
        "\xFF",
    };
    static const char *const places[] = {"<a>%s</a>", "<a%s/>", "<a b='%s'/>", "<!--%s--><a/>",
                                         "<a>0123456%s01234567</a>"};
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
        for (size_t j = 0; j < sizeof places / sizeof *places; j++) {
            struct mg_buffer document = {0};
            const char *hole = strstr(places[j], "%s");
            mg_buffer_add(&document, places[j], (size_t)(hole - places[j]));
            mg_buffer_add_text(&document, sequences[i]);
            mg_buffer_add_text(&document, hole + 2);
            expect_scan_refusal(document.data, "xml.encoding");
            mg_buffer_free(&document);
        }
    }
}

static void the_edges_of_utf_8_are_read(void)
{
    const char *where;
    static const char *const sequences[] = {
        "\x7F",         "\xC2\x80",     "\xDF\xBF",         "\xE0\xA0\x80",     "\xED\x9F\xBF",
        "\xEE\x80\x80", "\xEF\xBF\xBD", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF",
    };
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++)
        CU_ASSERT_EQUAL(mg_characters_check(sequences[i], strlen(sequences[i]), &where),
                        MG_CHARACTERS_GOOD);
    CU_ASSERT_EQUAL(mg_characters_check("", 0, &where), MG_CHARACTERS_GOOD);
}

static void every_bad_byte_is_found_at_every_place(void)
{
    char text[24];
    for (int byte = 0; byte < 256; byte++) {
        bool good = byte >= 0x20 ? byte < 0x80 : byte == '\t' || byte == '\n' || byte == '\r';
        for (size_t place = 0; place < sizeof text; place++) {
            const char *where = NULL;
            memset(text, 'x', sizeof text);
            text[place] = (char)byte;
            bool found = mg_characters_check(text, sizeof text, &where) != MG_CHARACTERS_GOOD;
            CU_ASSERT_EQUAL_FATAL(found, !good);
            if (found)
                CU_ASSERT_PTR_EQUAL_FATAL(where, text + place);
        }
    }
}

static void characters_that_xml_does_not_admit_are_malformed(void)
{
    CU_ASSERT_FALSE(parses_bytes("<a>\0</a>", 8));
    CU_ASSERT_STRING_EQUAL(error.code, "xml.malformed");
    CU_ASSERT_FALSE(parses_bytes("<a/>\0", 5));
    CU_ASSERT_STRING_EQUAL(error.code, "xml.malformed");
    expect_scan_refusal("<a>\x1B</a>", "xml.malformed");
    expect_scan_refusal("<a>\xEF\xBF\xBE</a>", "xml.malformed");
    expect_refusal("<a>&#0;</a>", "xml.malformed");
    expect_refusal("<a>&#xD800;</a>", "xml.malformed");
}

static void an_xml_declaration_stands_at_the_very_beginning_and_says_1_0(void)
{
    expect_scan_refusal(" <?xml version='1.0'?><a/>", "xml.malformed");
    expect_scan_refusal("<!--c--><?xml version='1.0'?><a/>", "xml.malformed");
    expect_scan_refusal("<a><?xml version='1.0'?></a>", "xml.malformed");
    expect_scan_refusal("<a><?XmL?></a>", "xml.malformed");
    expect_scan_refusal("<?xml version='1.1'?><a/>", "xml.malformed");
    expect_scan_refusal("<?xml encoding='UTF-8'?><a/>", "xml.malformed");
    expect_scan_refusal("<?xml version='1.0' standalone='maybe'?><a/>", "xml.malformed");
    expect_scan_refusal("<?xml version='1.0' standalone='no' encoding='UTF-8'?><a/>",
                        "xml.malformed");
    expect_scan_refusal("<?xml version='1.0'encoding='UTF-8'?><a/>", "xml.malformed");
    expect_scan_refusal("<?xml version='1.0' ", "xml.malformed");
    expect_scan_refusal("<?xml?><a/>", "xml.malformed");
    CU_ASSERT(parses("<?xml-stylesheet href='x'?><a/>"));
}

static void an_instruction_behind_the_document_element_is_refused(void)
{
    expect_scan_refusal("<a/><?p i?>", "xml.trailing-instruction");
    expect_scan_refusal("<a></a>\n<!-- c -->\n<?p i?>", "xml.trailing-instruction");
    CU_ASSERT_STRING_EQUAL(error.place, "line 3");
    CU_ASSERT(parses("<?p i?><a><?p?></a>\n<!-- c -->\n"));
}

static void comments_cdata_and_values_hide_tags(void)
{
    struct mg_xml_limits limits = defaults();
    static const char document[] = "<a b='>/>' c=\"'>\">"
                                   "<!-- <b><b><b> ' \" --><![CDATA[<b><b></b>]] > <!-- ]]>"
                                   "<?p <b><b> > '?> > ]] \" ' &gt; <c/></a>";
    limits.depth = 2;
    limits.elements = 5;
    CU_ASSERT(mg_xml_scan(document, sizeof document - 1, &limits, &error));
    CU_ASSERT(parses(document));
    CU_ASSERT(parses("<!--->--><a/>"));
    limits.depth = 1;
    CU_ASSERT_FALSE(mg_xml_scan(document, sizeof document - 1, &limits, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "xml.too-deep");
}

static void malformed_markup_is_refused_by_the_scan(void)
{
    static const char *const documents[] = {
        "",
        " ",
        "<",
        "<a",
        "<a>",
        "<a/",
        "</a>",
        "<a></a",
        "<a></a b>",
        "<a></>",
        "<a/><b/>",
        "text",
        "<a/>text",
        "text<a/>",
        "< a/>",
        "<1a/>",
        "<a/ >",
        "<a//>",
        "<a b/>",
        "<a b=/>",
        "<a b=c/>",
        "<a b='c/>",
        "<a b='c'd=''/>",
        "<a b='<'/>",
        "<a =''/>",
        "<a 'b'/>",
        "<a><b</a>",
        "<a><b></a>",
        "<a><!-- </a>",
        "<!-- -- --><a/>",
        "<!-- a---><a/>",
        "<a><![CDATA[</a>",
        "<![CDATA[ ]]><a/>",
        "<a/><![CDATA[ ]]>",
        "<a><? p?></a>",
        "<a><?p</a>",
        "<?p/?><a/>",
        "<a>&lt;<</a>",
        "<a b='1' 2c=''/>",
        "<a></a></a>",
        "<?",
        "<!",
        "<!-",
        "</",
        "<a><![CDATA",
        "\xEF\xBB\xBF",
        "\xEF\xBB\xBF\xEF\xBB\xBF<a/>",
    };
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++)
        expect_scan_refusal(documents[i], "xml.malformed");
}

static void what_only_the_parser_sees_is_malformed_with_line_and_without_quotation(void)
{
    static const char *const documents[] = {
        "<a>\n<secret>\n</a></secret>",
        "<a>\n\nsecret ]]> </a>",
        "<a>\n\n<secret:b/></a>",
        "<a>\n\n<b secret='' secret=''/></a>",
        "<a>\n\n<b xmlns:secret=''/></a>",
        "<a xmlns:b='u' xmlns:secret='u'>\n\n<c b:d='' secret:d=''/></a>",
        "<a>\n\n<b secret:c:d=''/></a>",
    };
    struct mg_xml_limits limits = defaults();
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        CU_ASSERT(mg_xml_scan(documents[i], strlen(documents[i]), &limits, NULL));
        expect_refusal(documents[i], "xml.malformed");
        CU_ASSERT_STRING_EQUAL(error.place, "line 3");
        CU_ASSERT_PTR_NULL(strstr(error.text, "secret"));
        CU_ASSERT_STRING_NOT_EQUAL(error.text, "the document is not well-formed XML");
    }
}

static void lines_beyond_65535_are_told(void)
{
    struct mg_buffer document = {0};
    mg_buffer_add_text(&document, "<a>");
    for (int i = 0; i < 70000; i++)
        mg_buffer_add_text(&document, "\n");
    mg_buffer_add_text(&document, "</b>");
    CU_ASSERT_FALSE(parses_bytes(document.data, document.length));
    CU_ASSERT_STRING_EQUAL(error.place, "line 70001");
    document.length -= 4;
    mg_buffer_add_text(&document, "<b c/></a>");
    CU_ASSERT_FALSE(parses_bytes(document.data, document.length));
    CU_ASSERT_STRING_EQUAL(error.place, "line 70001");
    mg_buffer_free(&document);
}

static void canonical_form_is_that_of_canonical_xml_1_0_without_comments(void)
{
    static const char text[] =
        "<?xml version='1.0'?><!-- c -->\n<b:a xmlns:c='urn:c' z='1' "
        "xmlns:b='urn:b'  a = '&quot;&#10;'><!-- c --><![CDATA[<&]]><b/></b:a>";
    static const char expected[] = "<b:a xmlns:b=\"urn:b\" xmlns:c=\"urn:c\" a=\"&quot;&#xA;\" "
                                   "z=\"1\">&lt;&amp;<b></b></b:a>";
    struct mg_xml_limits limits = defaults();
    xmlChar *bytes;
    size_t length;
    xmlDoc *document = mg_xml_parse(text, sizeof text - 1, &limits, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(document);
    CU_ASSERT_FATAL(mg_xml_canonical(document, &bytes, &length, &error));
    CU_ASSERT_EQUAL(length, sizeof expected - 1);
    CU_ASSERT_STRING_EQUAL((const char *)bytes, expected);
    xmlFree(bytes);
    xmlFreeDoc(document);
}

static void relative_namespaces_have_no_canonical_form_and_nothing_is_printed(void)
{
    static const char text[] = "<a xmlns='relative/path'/>";
    struct mg_xml_limits limits = defaults();
    xmlChar *bytes;
    size_t length;
    xmlDoc *document = mg_xml_parse(text, sizeof text - 1, &limits, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(document);
    CU_ASSERT_FALSE(mg_xml_canonical(document, &bytes, &length, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "xml.not-canonical");
    CU_ASSERT_PTR_NULL(bytes);
    xmlFreeDoc(document);
}

static void text_is_read_without_white_space_around_it(void)
{
    static const struct {
        const char *document;
        const char *text; /* NULL: none */
    } cases[] = {
        {"<a>1234567</a>", "1234567"},
        {"<a> \n\t1 3 5 7 \r\n                </a>", "1 3 5 7"},
        {"<a> 12<!-- c -->34<![CDATA[5]]><?p?> </a>", "12345"},
        {"<a>12345678</a>", NULL},
        {"<a>1              8</a>", NULL},
        {"<a>1<b/></a>", NULL},
        {"<a/>", NULL},
        {"<a>  </a>", NULL},
        {"<a>&amp;&#228;</a>", "&\xC3\xA4"},
    };
    struct mg_xml_limits limits = defaults();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[8] = "before";
        xmlDoc *document =
            mg_xml_parse(cases[i].document, strlen(cases[i].document), &limits, &error);
        CU_ASSERT_PTR_NOT_NULL_FATAL(document);
        bool found = mg_xml_text(xmlDocGetRootElement(document), text, sizeof text);
        CU_ASSERT_EQUAL(found, cases[i].text != NULL);
        CU_ASSERT_STRING_EQUAL(text, cases[i].text ? cases[i].text : "");
        xmlFreeDoc(document);
    }
}

static void children_are_found_by_namespace_and_local_name(void)
{
    static const char text[] = "<a xmlns='urn:a' xmlns:b='urn:b'>x<b:c n='1'/><c n='2'/><c/></a>";
    struct mg_xml_limits limits = defaults();
    xmlDoc *document = mg_xml_parse(text, sizeof text - 1, &limits, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(document);
    const xmlNode *root = xmlDocGetRootElement(document);
    CU_ASSERT(mg_xml_is(root, "urn:a", "a"));
    CU_ASSERT_FALSE(mg_xml_is(root, "urn:b", "a"));
    CU_ASSERT_FALSE(mg_xml_is(root->children, "urn:a", "text"));
    CU_ASSERT_FALSE(mg_xml_is(NULL, "urn:a", "a"));
    CU_ASSERT_PTR_EQUAL(mg_xml_child(root, "urn:a", "c"), root->children->next->next);
    CU_ASSERT_PTR_EQUAL(mg_xml_child(root, "urn:b", "c"), root->children->next);
    CU_ASSERT_PTR_NULL(mg_xml_child(root, "urn:c", "c"));
    CU_ASSERT_PTR_NULL(mg_xml_child(NULL, "urn:c", "c"));
    xmlFreeDoc(document);
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(elements_are_nested_as_deep_as_the_limit_and_no_deeper),
        UNIT_TEST(no_limit_goes_deeper_than_the_parser_does),
        UNIT_TEST(an_empty_element_counts_for_the_depth),
        UNIT_TEST(ten_thousand_levels_are_refused_in_under_ten_milliseconds),
        UNIT_TEST(a_start_tag_has_as_many_attributes_as_the_limit_and_no_more),
        UNIT_TEST(a_hundred_thousand_attributes_are_refused_in_under_ten_milliseconds),
        UNIT_TEST(all_attributes_together_are_limited_by_the_limit_of_elements),
        UNIT_TEST(many_elements_under_many_namespaces_are_refused_before_they_cost_seconds),
        UNIT_TEST(declarations_of_an_element_that_has_ended_no_longer_count),
        UNIT_TEST(a_document_has_as_many_elements_as_the_limit_and_no_more),
        UNIT_TEST(comments_instructions_and_cdata_sections_count_like_elements),
        UNIT_TEST(a_start_tag_is_as_long_as_the_limit_and_no_longer),
        UNIT_TEST(the_slash_of_an_empty_element_counts_for_the_start_tag),
        UNIT_TEST(text_between_two_tags_is_as_long_as_the_limit_and_no_longer),
        UNIT_TEST(a_text_of_nine_megabytes_is_refused),
        UNIT_TEST(a_document_is_as_large_as_the_limit_and_no_larger),
        UNIT_TEST(a_document_of_fifteen_megabytes_within_the_limits_is_read),
        UNIT_TEST(a_document_type_is_refused_wherever_and_however_it_is_written),
        UNIT_TEST(billion_laughs_and_external_entities_are_refused),
        UNIT_TEST(declarations_outside_a_document_type_are_malformed),
        UNIT_TEST(an_entity_that_nobody_declared_is_malformed),
        UNIT_TEST(utf_8_may_be_declared_in_any_case_or_not_at_all),
        UNIT_TEST(other_declared_encodings_are_refused),
        UNIT_TEST(documents_in_other_encodings_are_refused),
        UNIT_TEST(what_is_no_utf_8_is_refused_in_text_names_values_and_comments),
        UNIT_TEST(the_edges_of_utf_8_are_read),
        UNIT_TEST(every_bad_byte_is_found_at_every_place),
        UNIT_TEST(characters_that_xml_does_not_admit_are_malformed),
        UNIT_TEST(an_xml_declaration_stands_at_the_very_beginning_and_says_1_0),
        UNIT_TEST(an_instruction_behind_the_document_element_is_refused),
        UNIT_TEST(comments_cdata_and_values_hide_tags),
        UNIT_TEST(malformed_markup_is_refused_by_the_scan),
        UNIT_TEST(what_only_the_parser_sees_is_malformed_with_line_and_without_quotation),
        UNIT_TEST(lines_beyond_65535_are_told),
        UNIT_TEST(canonical_form_is_that_of_canonical_xml_1_0_without_comments),
        UNIT_TEST(relative_namespaces_have_no_canonical_form_and_nothing_is_printed),
        UNIT_TEST(text_is_read_without_white_space_around_it),
        UNIT_TEST(children_are_found_by_namespace_and_local_name),
    };
    xmlInitParser();
    return unit_run("xml", tests, sizeof tests / sizeof *tests);
}
