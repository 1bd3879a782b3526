#include "gateway/trust/findings.h"

#include "gateway/base/buffer.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* The rule that each error number stands for (XML Schema 1.0, part 1, appendix C). */
static const struct rule {
    int number;
    const char *text;
} rules[] = {
    {XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_1, "value not allowed by its type"},
    {XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_2, "value is no list of its type"},
    {XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_3, "value not allowed by any of its types"},
    {XML_SCHEMAV_CVC_TYPE_3_1_1, "attribute not allowed on a simple type"},
    {XML_SCHEMAV_CVC_TYPE_3_1_2, "child element not allowed in a simple type"},
    {XML_SCHEMAV_CVC_FACET_VALID, "value not allowed by its type"},
    {XML_SCHEMAV_CVC_LENGTH_VALID, "value does not have the length required"},
    {XML_SCHEMAV_CVC_MINLENGTH_VALID, "value is too short"},
    {XML_SCHEMAV_CVC_MAXLENGTH_VALID, "value is too long"},
    {XML_SCHEMAV_CVC_MININCLUSIVE_VALID, "value is too small"},
    {XML_SCHEMAV_CVC_MAXINCLUSIVE_VALID, "value is too large"},
    {XML_SCHEMAV_CVC_MINEXCLUSIVE_VALID, "value is too small"},
    {XML_SCHEMAV_CVC_MAXEXCLUSIVE_VALID, "value is too large"},
    {XML_SCHEMAV_CVC_TOTALDIGITS_VALID, "value has too many digits"},
    {XML_SCHEMAV_CVC_FRACTIONDIGITS_VALID, "value has too many decimal places"},
    {XML_SCHEMAV_CVC_PATTERN_VALID, "value does not match the pattern"},
    {XML_SCHEMAV_CVC_ENUMERATION_VALID, "value is none of those listed"},
    {XML_SCHEMAV_CVC_COMPLEX_TYPE_2_1, "element has to be empty"},
    {XML_SCHEMAV_CVC_COMPLEX_TYPE_2_2, "child element not allowed here"},
    {XML_SCHEMAV_CVC_COMPLEX_TYPE_2_3, "text not allowed between elements"},
    {XML_SCHEMAV_CVC_COMPLEX_TYPE_2_4, "element not expected here"},
    {XML_SCHEMAV_CVC_ELT_1, "element unknown to the schema"},
    {XML_SCHEMAV_CVC_ELT_2, "element is abstract"},
    {XML_SCHEMAV_CVC_ELT_3_1, "xsi:nil not allowed here"},
    {XML_SCHEMAV_CVC_ELT_3_2_1, "element with xsi:nil has to be empty"},
    {XML_SCHEMAV_CVC_ELT_3_2_2, "xsi:nil not allowed with a fixed value"},
    {XML_SCHEMAV_CVC_ELT_4_1, "xsi:type is no name"},
    {XML_SCHEMAV_CVC_ELT_4_2, "xsi:type unknown to the schema"},
    {XML_SCHEMAV_CVC_ELT_4_3, "xsi:type not derived from the element's type"},
    {XML_SCHEMAV_CVC_ELT_5_2_2_1, "element has to hold its fixed value"},
    {XML_SCHEMAV_CVC_ELT_5_2_2_2_1, "element has to hold its fixed value"},
    {XML_SCHEMAV_CVC_ELT_5_2_2_2_2, "element has to hold its fixed value"},
    {XML_SCHEMAV_CVC_TYPE_1, "type unknown to the schema"},
    {XML_SCHEMAV_CVC_TYPE_2, "type is abstract"},
    {XML_SCHEMAV_CVC_ATTRIBUTE_1, "attribute unknown to the schema"},
    {XML_SCHEMAV_CVC_ATTRIBUTE_2, "attribute without a type"},
    {XML_SCHEMAV_CVC_ATTRIBUTE_3, "value of an attribute not allowed by its type"},
    {XML_SCHEMAV_CVC_ATTRIBUTE_4, "attribute has to hold its fixed value"},
    {XML_SCHEMAV_CVC_AU, "attribute has to hold its fixed value"},
    {XML_SCHEMAV_CVC_COMPLEX_TYPE_3_1, "attribute has to hold its fixed value"},
    {XML_SCHEMAV_CVC_COMPLEX_TYPE_3_2_1, "attribute not allowed here"},
    {XML_SCHEMAV_CVC_COMPLEX_TYPE_3_2_2, "attribute not allowed here"},
    {XML_SCHEMAV_CVC_COMPLEX_TYPE_4, "a required attribute is missing"},
    {XML_SCHEMAV_CVC_COMPLEX_TYPE_5_1, "more than one attribute of type ID"},
    {XML_SCHEMAV_CVC_COMPLEX_TYPE_5_2, "more than one attribute of type ID"},
    {XML_SCHEMAV_ELEMENT_CONTENT, "element not expected here"},
    {XML_SCHEMAV_DOCUMENT_ELEMENT_MISSING, "document without a root element"},
    {XML_SCHEMAV_CVC_IDC, "key, reference or unique value violated"},
    {XML_SCHEMAV_CVC_WILDCARD, "no declaration for an element or attribute"},
};

/* One number stands for both kinds of wrong content. A name cannot contain a space, so nothing of
 * the document can look like this part of libxml2's text. */
static bool is_missing_child(const xmlError *problem)
{
    return problem->code == XML_SCHEMAV_ELEMENT_CONTENT && problem->message &&
           strstr(problem->message, ": Missing child element");
}

static const char *rule_of(const xmlError *problem)
{
    if (is_missing_child(problem))
        return "a required child element is missing";
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].number == problem->code)
            return rules[i].text;
    return "not allowed by the schema";
}

static bool is_facet(int number)
{
    return number >= XML_SCHEMAV_CVC_LENGTH_VALID && number <= XML_SCHEMAV_CVC_ENUMERATION_VALID;
}

static bool is_general(int number)
{
    return number == XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_1 ||
           number == XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_2 ||
           number == XML_SCHEMAV_CVC_DATATYPE_VALID_1_2_3;
}

/* Copies a name, cut between two characters of UTF-8 if it does not fit. */
static void copy_name(char *target, size_t size, const xmlChar *name)
{
    size_t length = strlen((const char *)name);
    if (length >= size) {
        length = size - 1;
        while (length > 0 && (name[length] & 0xc0) == 0x80)
            length--;
    }
    memcpy(target, name, length);
    target[length] = '\0';
}

static void keep(struct mg_schema_report *report, const xmlError *problem)
{
    struct mg_schema_finding *finding = &report->findings[report->count++];
    const xmlNode *node = problem->node;
    if (node && node->type == XML_ATTRIBUTE_NODE)
        node = node->parent;
    long line = node ? xmlGetLineNo(node) : problem->line;
    finding->line = line > 0 && line <= INT_MAX ? (int)line : 0;
    finding->number = problem->code;
    if (node && node->name)
        copy_name(finding->element, sizeof finding->element, node->name);
    snprintf(finding->rule, sizeof finding->rule, "%s", rule_of(problem));
}

void mg_findings_add(struct mg_findings *findings, const xmlError *problem)
{
    const xmlNode *node = problem->node;
    if (problem->level < XML_ERR_ERROR)
        return;
    if (problem->domain != XML_FROM_SCHEMASV || problem->code == XML_SCHEMAV_INTERNAL) {
        findings->internal = true;
        return;
    }
    /* After the facet that a value fails, libxml2 says once more that the value fails. */
    if (is_general(problem->code) && findings->last_was_facet && node && node == findings->last)
        return;
    findings->last = node;
    findings->last_was_facet = is_facet(problem->code);
    findings->report.total++;
    if (findings->report.count < MG_SCHEMA_FINDINGS)
        keep(&findings->report, problem);
}

bool mg_findings_fail(const struct mg_findings *findings, struct mg_error *error)
{
    const struct mg_schema_report *report = &findings->report;
    struct mg_buffer text = {.limit = MG_ERROR_TEXT_SIZE};
    for (size_t i = 0; i < report->count; i++) {
        const struct mg_schema_finding *finding = &report->findings[i];
        mg_buffer_print(&text, "%sline %d, element %s: %s", i > 0 ? "; " : "", finding->line,
                        finding->element, finding->rule);
    }
    if (report->total > report->count)
        mg_buffer_print(&text, "; and %zu more", report->total - report->count);
    mg_fail(error, "schema.invalid", "The document does not obey its schema: %s.",
            text.data ? text.data : "the validator does not say why");
    if (report->count > 0)
        mg_error_at(error, "line %d, element %s", report->findings[0].line,
                    report->findings[0].element);
    mg_buffer_free(&text);
    return false;
}
