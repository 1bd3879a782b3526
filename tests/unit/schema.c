#include "gateway/trust/schema.h"
#include "gateway/base/buffer.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <libxml/parser.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' "
#define OPEN HEAD "targetNamespace='urn:t' xmlns='urn:t' elementFormDefault='qualified'>\n"

static char folder[] = "/tmp/muengsten-schema-XXXXXX";

/* The path of a file in the test's folder; good until the call after next. */
static const char *path_of(const char *name)
{
    static char paths[2][sizeof folder + 64];
    static unsigned number;
    char *path = paths[number++ % 2];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static const char *write_file(const char *name, const char *text)
{
    const char *path = path_of(name);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static xmlDoc *parse(const char *text)
{
    xmlDoc *document =
        xmlReadMemory(text, (int)strlen(text), NULL, NULL, XML_PARSE_NONET | XML_PARSE_BIG_LINES);
    CU_ASSERT_PTR_NOT_NULL_FATAL(document);
    return document;
}

static const char people[] = OPEN "<xs:element name='people'><xs:complexType><xs:sequence>\n"
                                  "<xs:element name='person' maxOccurs='unbounded'>\n"
                                  "<xs:complexType><xs:sequence>\n"
                                  "<xs:element name='name'><xs:simpleType>\n"
                                  "<xs:restriction base='xs:string'><xs:maxLength value='10'/>\n"
                                  "<xs:pattern value='[A-Z][a-z ]*'/></xs:restriction>\n"
                                  "</xs:simpleType></xs:element>\n"
                                  "<xs:element name='born' type='xs:date' minOccurs='0'/>\n"
                                  "<xs:element name='sex' minOccurs='0'><xs:simpleType>\n"
                                  "<xs:restriction base='xs:token'><xs:enumeration value='f'/>\n"
                                  "<xs:enumeration value='m'/></xs:restriction>\n"
                                  "</xs:simpleType></xs:element>\n"
                                  "</xs:sequence><xs:attribute name='key' type='xs:int'\n"
                                  " use='required'/></xs:complexType></xs:element>\n"
                                  "</xs:sequence></xs:complexType></xs:element></xs:schema>\n";

static struct mg_schema *compile(const char *path)
{
    struct mg_error error = {0};
    struct mg_schema *schema = mg_schema_from_file(path, &error);
    if (!schema)
        printf("# %s %s: %s\n", error.code, error.place, error.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(schema);
    return schema;
}

static void expect_failure(const char *path, const char *code, const char *place)
{
    struct mg_error error = {0};
    struct mg_schema *schema = mg_schema_from_file(path, &error);
    CU_ASSERT_PTR_NULL(schema);
    CU_ASSERT_STRING_EQUAL(error.code, code);
    CU_ASSERT(strstr(error.place, place) != NULL);
    if (strcmp(error.code, code) != 0 || !strstr(error.place, place))
        printf("# %s %s: %s\n", error.code, error.place, error.text);
    mg_schema_free(schema);
}

static void a_valid_document_is_accepted(void)
{
    struct mg_schema *schema = compile(write_file("people.xsd", people));
    xmlDoc *document = parse("<people xmlns='urn:t'><person key='1'><name>Erika</name>"
                             "<born>1970-01-01</born><sex>f</sex></person></people>");
    struct mg_schema_report report;
    struct mg_error error = {0};
    CU_ASSERT(mg_schema_validate(schema, document, &report, &error));
    CU_ASSERT_EQUAL(report.total, 0);
    CU_ASSERT(mg_schema_validate(schema, document, NULL, NULL));
    xmlFreeDoc(document);
    mg_schema_free(schema);
}

static void the_first_five_findings_have_line_element_and_rule(void)
{
    static const struct {
        int line, number;
        const char *element, *rule;
    } expected[] = {
        {2, XML_SCHEMAV_CVC_COMPLEX_TYPE_4, "person", "a required attribute is missing"},
        {3, XML_SCHEMAV_CVC_PATTERN_VALID, "name", "value does not match the pattern"},
        {4, XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_1, "born", "value not allowed by its type"},
        {5, XML_SCHEMAV_CVC_ENUMERATION_VALID, "sex", "value is none of those listed"},
        {6, XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_1, "person", "value not allowed by its type"},
    };
    struct mg_schema *schema = compile(write_file("people.xsd", people));
    xmlDoc *document = parse("<people xmlns='urn:t'>\n<person>\n<name>mustermann</name>\n"
                             "<born>yesterday-secret</born>\n<sex>secret</sex></person>\n"
                             "<person key='secret'>\n<name>Muster-secret-person</name>\n"
                             "<address>secret</address></person>\n<person key='1'/></people>");
    struct mg_schema_report report;
    struct mg_error error = {0};
    CU_ASSERT_FALSE(mg_schema_validate(schema, document, &report, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "schema.invalid");
    CU_ASSERT_STRING_EQUAL(error.place, "line 2, element person");
    CU_ASSERT_EQUAL_FATAL(report.count, 5);
    for (size_t i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(report.findings[i].line, expected[i].line);
        CU_ASSERT_EQUAL(report.findings[i].number, expected[i].number);
        CU_ASSERT_STRING_EQUAL(report.findings[i].element, expected[i].element);
        CU_ASSERT_STRING_EQUAL(report.findings[i].rule, expected[i].rule);
        CU_ASSERT(strstr(error.text, expected[i].rule) != NULL);
    }
    /* Length and pattern of the second name, the address, and what the last person lacks. */
    CU_ASSERT_EQUAL(report.total, 9);
    CU_ASSERT(strstr(error.text, "and 4 more") != NULL);
    CU_ASSERT_PTR_NULL(strstr(error.text, "secret"));
    CU_ASSERT_PTR_NULL(strstr(error.text, "mustermann"));
    xmlFreeDoc(document);
    mg_schema_free(schema);
}

/* The rule of the only finding about this content of <people>. */
static void expect_rule(const char *content, const char *element, const char *rule)
{
    struct mg_schema *schema = compile(write_file("people.xsd", people));
    struct mg_buffer text = {0};
    mg_buffer_print(&text, "<people xmlns='urn:t'>%s</people>", content);
    xmlDoc *document = parse(text.data);
    struct mg_schema_report report;
    CU_ASSERT_FALSE(mg_schema_validate(schema, document, &report, NULL));
    CU_ASSERT_EQUAL(report.total, 1);
    CU_ASSERT_STRING_EQUAL(report.findings[0].element, element);
    CU_ASSERT_STRING_EQUAL(report.findings[0].rule, rule);
    xmlFreeDoc(document);
    mg_buffer_free(&text);
    mg_schema_free(schema);
}

static void each_finding_is_put_in_words_and_told_once(void)
{
    expect_rule("", "people", "a required child element is missing");
    expect_rule("<person key='1'/>", "person", "a required child element is missing");
    expect_rule("<other/>", "other", "element not expected here");
    expect_rule("<person key='1'><name>Abcdefghijkl</name></person>", "name", "value is too long");
    expect_rule("<person key='1'>text<name>A</name></person>", "person",
                "text not allowed between elements");
    expect_rule("<person key='1' other='x'><name>A</name></person>", "person",
                "attribute not allowed here");
    expect_rule("<person key='1'><name>A<b/></name></person>", "name",
                "child element not allowed in a simple type");
}

static void an_unknown_root_is_invalid(void)
{
    struct mg_schema *schema = compile(write_file("people.xsd", people));
    xmlDoc *document = parse("<people/>");
    struct mg_schema_report report;
    struct mg_error error = {0};
    CU_ASSERT_FALSE(mg_schema_validate(schema, document, &report, &error));
    CU_ASSERT_STRING_EQUAL(error.code, "schema.invalid");
    CU_ASSERT_STRING_EQUAL(report.findings[0].rule, "element unknown to the schema");
    xmlFreeDoc(document);
    mg_schema_free(schema);
}

static void lines_beyond_65535_are_told(void)
{
    struct mg_schema *schema = compile(write_file("people.xsd", people));
    struct mg_buffer text = {0};
    mg_buffer_add_text(&text, "<people xmlns='urn:t'>");
    for (int i = 0; i < 70000; i++)
        mg_buffer_add_text(&text, "\n");
    mg_buffer_add_text(&text, "<person key='1'><name>1</name></person></people>");
    xmlDoc *document = parse(text.data);
    struct mg_schema_report report;
    CU_ASSERT_FALSE(mg_schema_validate(schema, document, &report, NULL));
    CU_ASSERT_EQUAL(report.findings[0].line, 70001);
    xmlFreeDoc(document);
    mg_buffer_free(&text);
    mg_schema_free(schema);
}

static void a_name_of_any_length_is_cut_between_two_letters(void)
{
    struct mg_schema *schema = compile(write_file("people.xsd", people));
    struct mg_buffer text = {0};
    mg_buffer_add_text(&text, "<people xmlns='urn:t'><x");
    for (int i = 0; i < 200; i++)
        mg_buffer_add_text(&text, "ü");
    mg_buffer_add_text(&text, "/></people>");
    xmlDoc *document = parse(text.data);
    struct mg_schema_report report;
    CU_ASSERT_FALSE(mg_schema_validate(schema, document, &report, NULL));
    CU_ASSERT_EQUAL(strlen(report.findings[0].element), 95);
    CU_ASSERT_STRING_EQUAL(report.findings[0].element + 93, "ü");
    xmlFreeDoc(document);
    mg_buffer_free(&text);
    mg_schema_free(schema);
}

static void a_hint_in_the_document_where_a_schema_lies_is_not_followed(void)
{
    write_file("other.xsd", HEAD "targetNamespace='urn:o'><xs:element name='o'/></xs:schema>");
    struct mg_schema *schema = compile(write_file("people.xsd", people));
    struct mg_buffer text = {0};
    mg_buffer_print(&text,
                    "<o xmlns='urn:o' xmlns:i='http://www.w3.org/2001/XMLSchema-instance' "
                    "i:schemaLocation='urn:o %s'/>",
                    path_of("other.xsd"));
    xmlDoc *document = parse(text.data);
    CU_ASSERT_FALSE(mg_schema_validate(schema, document, NULL, NULL));
    xmlFreeDoc(document);
    mg_buffer_free(&text);
    mg_schema_free(schema);
}

static void a_broken_schema_is_refused_with_file_and_line(void)
{
    expect_failure(write_file("a.xsd", OPEN "<xs:element name='a' type='unknown'/>\n</xs:schema>"),
                   "schema.does-not-compile", "a.xsd:2");
    expect_failure(write_file("a.xsd", OPEN "<xs:element\n"), "schema.does-not-compile", "a.xsd:3");
    expect_failure(write_file("a.xsd", "<html/>"), "schema.does-not-compile", "a.xsd:1");
    expect_failure(write_file("a.xsd", ""), "schema.does-not-compile", "a.xsd");
    expect_failure(path_of("none.xsd"), "schema.unreadable", "none.xsd");
    /* Broken in what it includes. */
    write_file("b.xsd", OPEN "\n<xs:nonsense/></xs:schema>");
    expect_failure(write_file("a.xsd", OPEN "<xs:include schemaLocation='b.xsd'/></xs:schema>"),
                   "schema.does-not-compile", "b.xsd:3");
}

static void a_schema_may_bring_others_from_its_folder_and_below(void)
{
    mkdir(path_of("below and beyond"), 0700);
    write_file("below and beyond/part.xsd",
               OPEN "<xs:include schemaLocation='../rest.xsd'/></xs:schema>");
    write_file("rest.xsd", OPEN "<xs:element name='root' type='xs:int'/></xs:schema>");
    write_file("other.xsd", HEAD "targetNamespace='urn:o'><xs:element name='o'/></xs:schema>");
    struct mg_schema *schema = compile(
        write_file("entry.xsd", OPEN "<xs:include schemaLocation='below%20and%20beyond/part.xsd'/>"
                                     "<xs:import namespace='urn:o' schemaLocation='other.xsd'/>"
                                     "<xs:import namespace='urn:not-needed'/>"
                                     "</xs:schema>"));
    xmlDoc *document = parse("<root xmlns='urn:t'>12</root>");
    CU_ASSERT(mg_schema_validate(schema, document, NULL, NULL));
    xmlFreeDoc(document);
    mg_schema_free(schema);
    unlink(path_of("below and beyond/part.xsd"));
    rmdir(path_of("below and beyond"));
}

static void a_schema_may_bring_nothing_from_outside_its_folder_or_from_the_network(void)
{
    static const char *const locations[] = {"../outside.xsd",
                                            "inside/../../outside.xsd",
                                            "link.xsd",
                                            "http://localhost:9/a.xsd",
                                            "https://localhost:9/a.xsd",
                                            "ftp://localhost:9/a.xsd",
                                            "file:///etc/passwd",
                                            "/etc/passwd"};
    mkdir(path_of("inside"), 0700);
    mkdir(path_of("inside/inside"), 0700);
    write_file("outside.xsd", HEAD "targetNamespace='urn:o'><xs:element name='o'/></xs:schema>");
    CU_ASSERT(symlink("../outside.xsd", path_of("inside/link.xsd")) == 0);
    for (size_t i = 0; i < sizeof locations / sizeof *locations; i++) {
        char text[512];
        struct mg_error error = {0};
        for (int import = 0; import < 2; import++) {
            snprintf(text, sizeof text, OPEN "<xs:%s schemaLocation='%s'/></xs:schema>",
                     import ? "import namespace='urn:o'" : "include", locations[i]);
            struct mg_schema *schema =
                mg_schema_from_file(write_file("inside/entry.xsd", text), &error);
            CU_ASSERT_PTR_NULL(schema);
            CU_ASSERT_STRING_EQUAL(error.code, "schema.does-not-compile");
            CU_ASSERT(strstr(error.place, "inside/entry.xsd:2") != NULL);
            CU_ASSERT(strstr(error.text, "outside its folder") != NULL);
        }
    }
    unlink(path_of("inside/link.xsd"));
    unlink(path_of("inside/entry.xsd"));
    rmdir(path_of("inside/inside"));
    rmdir(path_of("inside"));
    unlink(path_of("outside.xsd"));
}

static void an_import_that_is_missing_is_an_error(void)
{
    expect_failure(write_file("a.xsd", OPEN "<xs:import namespace='urn:o' "
                                            "schemaLocation='none.xsd'/></xs:schema>"),
                   "schema.does-not-compile", "a.xsd:2");
}

static void the_process_opens_no_entity_and_no_document_by_name(void)
{
    mg_schema_free(compile(write_file("people.xsd", people)));
    write_file("secret.txt", "secret");
    struct mg_buffer text = {0};
    mg_buffer_print(&text, "<!DOCTYPE a [<!ENTITY e SYSTEM '%s'>]><a>&e;</a>",
                    path_of("secret.txt"));
    /* A parser with every net but this one taken away. */
    xmlParserCtxt *parser = xmlNewParserCtxt();
    xmlDoc *document = xmlCtxtReadMemory(parser, text.data, (int)text.length, NULL, NULL,
                                         XML_PARSE_NOENT | XML_PARSE_DTDLOAD | XML_PARSE_NOERROR |
                                             XML_PARSE_NOWARNING | XML_PARSE_RECOVER);
    xmlChar *content = document ? xmlNodeGetContent((xmlNode *)document) : NULL;
    CU_ASSERT_PTR_NULL(content ? strstr((char *)content, "secret") : NULL);
    xmlFree(content);
    xmlFreeDoc(document);
    xmlFreeParserCtxt(parser);
    document = xmlReadFile(path_of("people.xsd"), NULL, XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    CU_ASSERT_PTR_NULL(document);
    xmlFreeDoc(document);
    mg_buffer_free(&text);
    unlink(path_of("secret.txt"));
}

static void nothing_is_written_to_stderr(void)
{
    int before = dup(STDERR_FILENO);
    int file = open(path_of("log"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    CU_ASSERT_FATAL(dup2(file, STDERR_FILENO) >= 0);
    a_broken_schema_is_refused_with_file_and_line();
    the_first_five_findings_have_line_element_and_rule();
    an_import_that_is_missing_is_an_error();
    CU_ASSERT_EQUAL(lseek(file, 0, SEEK_END), 0);
    dup2(before, STDERR_FILENO);
    close(before);
    close(file);
    unlink(path_of("log"));
}

struct validation {
    const struct mg_schema *schema;
    int right;
};

static void *validate_often(void *context)
{
    struct validation *validation = context;
    for (int i = 0; i < 100; i++) {
        xmlDoc *good = parse("<people xmlns='urn:t'><person key='1'><name>A</name></person>"
                             "</people>");
        xmlDoc *bad = parse("<people xmlns='urn:t'><person key='1'><name>1</name></person>"
                            "</people>");
        validation->right += mg_schema_validate(validation->schema, good, NULL, NULL);
        validation->right += !mg_schema_validate(validation->schema, bad, NULL, NULL);
        xmlFreeDoc(good);
        xmlFreeDoc(bad);
    }
    return NULL;
}

static void several_threads_validate_with_one_schema(void)
{
    struct mg_schema *schema = compile(write_file("people.xsd", people));
    struct validation validations[4];
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        validations[i] = (struct validation){schema, 0};
        CU_ASSERT_FATAL(pthread_create(&threads[i], NULL, validate_often, &validations[i]) == 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        CU_ASSERT_EQUAL(validations[i].right, 200);
    }
    mg_schema_free(schema);
}

/* A published standard or message, or NULL if they are not here. */
static const char *shared(const char *name)
{
    static char path[4096];
    const char *source = getenv("srcdir"), *folders[] = {getenv("MUENGSTEN_SHARED"), NULL};
    char beside[2048];
    snprintf(beside, sizeof beside, "%s/../shared", source ? source : ".");
    folders[1] = beside;
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folders[i] ? folders[i] : "/nowhere", name);
        if (access(path, R_OK) == 0)
            return path;
    }
    unit_skip("published standards are not here (MUENGSTEN_SHARED)");
    return NULL;
}

static xmlDoc *read_document(const char *path)
{
    struct mg_buffer text = {0};
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    for (size_t length = 1; length > 0;) {
        char *room = mg_buffer_reserve(&text, 65536);
        length = fread(room, 1, 65536, file);
        mg_buffer_used(&text, length);
    }
    fclose(file);
    xmlDoc *document = parse(text.data);
    mg_buffer_free(&text);
    return document;
}

static void real_messages_of_xbeteiligung_are_valid(void)
{
    static const char *const messages[] = {
        "messages/xbeteiligung/kommunal.Initiieren.0401.xml",
        "messages/xbeteiligung/kommunal.Initiieren.0401.gwid-format.xml",
        "messages/xbeteiligung/kommunal.Initiieren.0401.pipe-format.xml",
    };
    const char *path = shared("standards/xbeteiligung-1.2/xbeteiligung.xsd");
    if (!path)
        return;
    struct mg_schema *schema = compile(path);
    for (size_t i = 0; i < sizeof messages / sizeof *messages && shared(messages[i]); i++) {
        struct mg_error error = {0};
        xmlDoc *document = read_document(shared(messages[i]));
        CU_ASSERT(mg_schema_validate(schema, document, NULL, &error));
        CU_ASSERT_STRING_EQUAL(error.text, "");
        xmlFreeDoc(document);
    }
    mg_schema_free(schema);
}

static void the_schemas_of_xta_compile(void)
{
    static const char *const schemas[] = {
        "standards/xta-2.1.1/XTA-Webservice-Globale-Elemente.xsd",
        "standards/xta-2.1.1/OSCI2_02.xsd",
    };
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas && shared(schemas[i]); i++)
        mg_schema_free(compile(shared(schemas[i])));
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(a_valid_document_is_accepted),
        UNIT_TEST(the_first_five_findings_have_line_element_and_rule),
        UNIT_TEST(each_finding_is_put_in_words_and_told_once),
        UNIT_TEST(an_unknown_root_is_invalid),
        UNIT_TEST(lines_beyond_65535_are_told),
        UNIT_TEST(a_name_of_any_length_is_cut_between_two_letters),
        UNIT_TEST(a_hint_in_the_document_where_a_schema_lies_is_not_followed),
        UNIT_TEST(a_broken_schema_is_refused_with_file_and_line),
        UNIT_TEST(a_schema_may_bring_others_from_its_folder_and_below),
        UNIT_TEST(a_schema_may_bring_nothing_from_outside_its_folder_or_from_the_network),
        UNIT_TEST(an_import_that_is_missing_is_an_error),
        UNIT_TEST(the_process_opens_no_entity_and_no_document_by_name),
        UNIT_TEST(nothing_is_written_to_stderr),
        UNIT_TEST(several_threads_validate_with_one_schema),
        UNIT_TEST(real_messages_of_xbeteiligung_are_valid),
        UNIT_TEST(the_schemas_of_xta_compile),
    };
    static const char *const files[] = {"people.xsd", "other.xsd", "a.xsd",
                                        "b.xsd",      "rest.xsd",  "entry.xsd"};
    if (!mkdtemp(folder))
        return 1;
    xmlInitParser();
    int status = unit_run("schema", tests, sizeof tests / sizeof *tests);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        unlink(path_of(files[i]));
    rmdir(folder);
    xmlCleanupParser();
    return status;
}
