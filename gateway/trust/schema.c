#include "gateway/trust/schema.h"

#include "gateway/trust/confinement.h"
#include "gateway/trust/findings.h"

#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <libxml/xmlschemas.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mg_schema {
    xmlSchema *compiled;
};

#if LIBXML_VERSION >= 21200
typedef const xmlError *reported;
#else
typedef xmlError *reported;
#endif

/* Errors that libxml2 does not give to the function of a context go to one of the thread, whose
 * default writes to stderr. */
struct thread_errors {
    xmlStructuredErrorFunc function;
    void *context;
};

static struct thread_errors redirect(xmlStructuredErrorFunc function, void *context)
{
    struct thread_errors before = {xmlStructuredError, xmlStructuredErrorContext};
    xmlSetStructuredErrorFunc(context, function);
    return before;
}

static void restore(struct thread_errors before)
{
    xmlSetStructuredErrorFunc(before.context, before.function);
    xmlResetLastError();
}

/* The first error of a compilation. A schema is configuration, so libxml2's own text may be shown.
 */
struct compilation {
    bool failed;
    bool missing; /* the error is an import that could not be read */
    char place[MG_ERROR_PLACE_SIZE];
    char text[MG_ERROR_TEXT_SIZE / 2];
};

/* libxml2 only warns of an import that it cannot read, and then misses what it would have brought.
 */
static bool is_missing_import(reported problem)
{
    xmlNode *node = problem->node;
    return problem->domain == XML_FROM_SCHEMASP &&
           problem->code == XML_SCHEMAP_WARN_UNLOCATED_SCHEMA && node &&
           node->type == XML_ELEMENT_NODE && xmlHasProp(node, BAD_CAST "schemaLocation");
}

static void note_compile_error(void *context, reported problem)
{
    struct compilation *compilation = context;
    bool missing = is_missing_import(problem);
    if (compilation->failed || (problem->level < XML_ERR_ERROR && !missing))
        return;
    /* That a file cannot be opened is said again, better, by whoever wanted it. */
    if (problem->domain == XML_FROM_IO)
        return;
    compilation->failed = true;
    compilation->missing = missing || problem->code == XML_SCHEMAP_SRC_INCLUDE;
    const xmlNode *node = problem->node;
    long line = node ? xmlGetLineNo(node) : problem->line;
    const char *file = problem->file ? problem->file : "";
    if (node && node->doc && node->doc->URL)
        file = (const char *)node->doc->URL;
    if (*file)
        snprintf(compilation->place, sizeof compilation->place, "%s:%ld", file, line);
    snprintf(compilation->text, sizeof compilation->text, "%s",
             problem->message ? problem->message : "");
    compilation->text[strcspn(compilation->text, "\n")] = '\0';
}

static xmlSchema *compile(const char *path, struct compilation *compilation)
{
    xmlSchema *compiled = NULL;
    struct thread_errors before = redirect(note_compile_error, compilation);
    xmlSchemaParserCtxt *parser = xmlSchemaNewParserCtxt(path);
    if (parser) {
        xmlSchemaSetParserStructuredErrors(parser, note_compile_error, compilation);
        compiled = xmlSchemaParse(parser);
        xmlSchemaFreeParserCtxt(parser);
    }
    restore(before);
    if (compiled && compilation->failed) {
        xmlSchemaFree(compiled);
        compiled = NULL;
    }
    return compiled;
}

static bool fail_to_compile(const char *path, const struct compilation *compilation,
                            struct mg_error *error)
{
    if (mg_confinement_refused())
        mg_fail(
            error, "schema.does-not-compile",
            "The schema refers to a file outside its folder, or to the network. Put a copy beside "
            "the schema and refer to it by a relative path.");
    else if (compilation->missing)
        mg_fail(error, "schema.does-not-compile",
                "The schema refers to a file that is not there or cannot be read.");
    else
        mg_fail(error, "schema.does-not-compile", "The schema does not compile: %s",
                compilation->failed ? compilation->text : "libxml2 does not say why.");
    if (*compilation->place)
        mg_error_at(error, "%s", compilation->place);
    else
        mg_error_at(error, "%s:1", path);
    return false;
}

struct mg_schema *mg_schema_from_file(const char *path, struct mg_error *error)
{
    char real[PATH_MAX], folder[PATH_MAX];
    FILE *readable = realpath(path, real) ? fopen(real, "re") : NULL;
    if (!readable) {
        mg_fail(error, "schema.unreadable", "The schema is not there, or cannot be read.");
        mg_error_at(error, "%s", path);
        return NULL;
    }
    fclose(readable);
    memcpy(folder, real, sizeof folder);
    char *slash = strrchr(folder, '/');
    slash[slash == folder ? 1 : 0] = '\0';
    struct compilation compilation = {0};
    struct mg_schema *schema = NULL;
    mg_confinement_begin(folder);
    xmlSchema *compiled = compile(real, &compilation);
    if (compiled) {
        schema = mg_allocate(sizeof *schema);
        schema->compiled = compiled;
    } else {
        fail_to_compile(path, &compilation, error);
    }
    mg_confinement_end();
    return schema;
}

void mg_schema_free(struct mg_schema *schema)
{
    if (!schema)
        return;
    xmlSchemaFree(schema->compiled);
    free(schema);
}

static void note_finding(void *context, reported problem)
{
    mg_findings_add(context, problem);
}

/* What comes here during a validation is no finding about the document but a failure of the
 * validator or of the matcher of patterns. */
static void note_failure(void *context, reported problem)
{
    (void)problem;
    ((struct mg_findings *)context)->internal = true;
}

bool mg_schema_validate(const struct mg_schema *schema, xmlDoc *document,
                        struct mg_schema_report *report, struct mg_error *error)
{
    struct mg_findings findings = {0};
    int result = -1;
    struct thread_errors before = redirect(note_failure, &findings);
    /* Making a context costs about 1 µs of the 80 µs of a usual message: not worth keeping one for
     * each thread and schema. */
    xmlSchemaValidCtxt *validator = xmlSchemaNewValidCtxt(schema->compiled);
    if (validator) {
        xmlSchemaSetValidStructuredErrors(validator, note_finding, &findings);
        result = xmlSchemaValidateDoc(validator, document);
        xmlSchemaFreeValidCtxt(validator);
    }
    restore(before);
    if (report)
        *report = findings.report;
    if (result < 0 || findings.internal)
        return mg_fail(
            error, "schema.internal",
            "The document could not be validated, so it counts as invalid: the validator "
            "gave up. Its values may be too long or too deep for the schema's patterns.");
    return (result == 0 && findings.report.total == 0) || mg_findings_fail(&findings, error);
}
