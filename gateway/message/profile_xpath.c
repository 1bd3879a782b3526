#include "gateway/message/profile_facts.h"

#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* What one XPath may cost, in libxml2's measure: steps, nodes and comparisons. Enough to search a
 * document at the default limits from end to end, and over in some ten milliseconds. */
#define OPERATIONS 2000000U

struct mg_evaluator {
    struct mg_evaluator *next; /* in the list of those that nobody uses */
    xmlXPathContext *context;
    xmlXPathCompExpr *compiled[MG_FACT_COUNT];
    char reason[256]; /* the last error in libxml2's words, for the configuration only */
};

struct mg_xpaths {
    char *sources[MG_FACT_COUNT];
    struct {
        char *prefix;
        char *uri;
    } namespaces[sizeof((struct mg_profile_values *)NULL)->namespaces /
                 sizeof((struct mg_profile_values *)NULL)->namespaces[0]];
    size_t namespace_count;
    pthread_mutex_t mutex;
    struct mg_evaluator *unused; /* under the mutex; as many as ever worked at once */
};

static void evaluator_free(struct mg_evaluator *evaluator)
{
    if (!evaluator)
        return;
    for (int fact = 0; fact < MG_FACT_COUNT; fact++)
        xmlXPathFreeCompExpr(evaluator->compiled[fact]);
    xmlXPathFreeContext(evaluator->context);
    free(evaluator);
}

static void remember_reason(void *data, xmlErrorPtr error)
{
    struct mg_evaluator *evaluator = data;
    const char *message = error->message ? error->message : "unknown error";
    size_t length = strcspn(message, "\n");
    if (length >= sizeof evaluator->reason)
        length = sizeof evaluator->reason - 1;
    memcpy(evaluator->reason, message, length);
    evaluator->reason[length] = '\0';
}

/* A context of libxml2's knows the functions of XPath 1.0 and no others: none reads files. */
static struct mg_evaluator *evaluator_open(const struct mg_xpaths *xpaths)
{
    struct mg_evaluator *evaluator = mg_allocate_zeroed(1, sizeof *evaluator);
    evaluator->context = xmlXPathNewContext(NULL);
    if (!evaluator->context)
        mg_die("no memory for XPath");
    evaluator->context->error = remember_reason;
    evaluator->context->userData = evaluator;
    evaluator->context->opLimit = OPERATIONS;
    for (size_t i = 0; i < xpaths->namespace_count; i++) {
        if (xmlXPathRegisterNs(evaluator->context, (const xmlChar *)xpaths->namespaces[i].prefix,
                               (const xmlChar *)xpaths->namespaces[i].uri) != 0)
            mg_die("no memory for XPath");
    }
    return evaluator;
}

/* Compiles all XPaths. Returns the fact whose XPath does not compile, or MG_FACT_COUNT. */
static int evaluator_compile(struct mg_evaluator *evaluator, const struct mg_xpaths *xpaths)
{
    for (int fact = 0; fact < MG_FACT_COUNT; fact++) {
        if (!xpaths->sources[fact])
            continue;
        evaluator->compiled[fact] =
            xmlXPathCtxtCompile(evaluator->context, (const xmlChar *)xpaths->sources[fact]);
        if (!evaluator->compiled[fact])
            return fact;
    }
    return MG_FACT_COUNT;
}

static void be_silent(void *data, const char *format, ...)
{
    (void)data;
    (void)format;
}

static xmlXPathObject *evaluate(struct mg_evaluator *evaluator, xmlDoc *document, int fact)
{
    evaluator->context->doc = document;
    evaluator->context->node = xmlDocGetRootElement(document);
    evaluator->context->opCount = 0;
    /* Of unknown functions libxml2 also tells this thread's general handler, which prints. */
    xmlGenericErrorFunc handler = xmlGenericError;
    void *context = xmlGenericErrorContext;
    xmlSetGenericErrorFunc(NULL, be_silent);
    xmlXPathObject *object = xmlXPathCompiledEval(evaluator->compiled[fact], evaluator->context);
    xmlSetGenericErrorFunc(context, handler);
    evaluator->context->doc = NULL;
    evaluator->context->node = NULL;
    return object;
}

/* Unknown prefixes and functions only show when an expression is evaluated. Returns like
 * evaluator_compile. */
static int evaluator_try(struct mg_evaluator *evaluator)
{
    int fact = 0;
    xmlDoc *document = xmlNewDoc((const xmlChar *)"1.0");
    xmlNode *root = document ? xmlNewDocNode(document, NULL, (const xmlChar *)"trial", NULL) : NULL;
    if (!root)
        mg_die("no memory for XPath");
    xmlDocSetRootElement(document, root);
    for (; fact < MG_FACT_COUNT; fact++) {
        if (!evaluator->compiled[fact])
            continue;
        xmlXPathObject *object = evaluate(evaluator, document, fact);
        if (!object)
            break;
        xmlXPathFreeObject(object);
    }
    xmlFreeDoc(document);
    return fact;
}

static char *copy_or_null(const char *text)
{
    return text ? mg_copy_text(text) : NULL;
}

struct mg_xpaths *mg_xpaths_new(const struct mg_profile_values *values, struct mg_error *error)
{
    struct mg_xpaths *xpaths = mg_allocate_zeroed(1, sizeof *xpaths);
    pthread_mutex_init(&xpaths->mutex, NULL);
    for (int fact = 0; fact < MG_FACT_COUNT; fact++)
        xpaths->sources[fact] = copy_or_null(values->xpath[fact]);
    for (; xpaths->namespace_count < values->namespace_count; xpaths->namespace_count++) {
        size_t i = xpaths->namespace_count;
        xpaths->namespaces[i].prefix = mg_copy_text(values->namespaces[i].prefix);
        xpaths->namespaces[i].uri = mg_copy_text(values->namespaces[i].uri);
    }
    struct mg_evaluator *evaluator = evaluator_open(xpaths);
    xpaths->unused = evaluator;
    int fact = evaluator_compile(evaluator, xpaths);
    if (fact == MG_FACT_COUNT)
        fact = evaluator_try(evaluator);
    if (fact == MG_FACT_COUNT)
        return xpaths;
    mg_fail(error, "config.profile-xpath", "the XPath for %s of profile %s does not work: %s",
            mg_fact_name(fact), values->name, evaluator->reason);
    mg_xpaths_free(xpaths);
    return NULL;
}

void mg_xpaths_free(struct mg_xpaths *xpaths)
{
    if (!xpaths)
        return;
    while (xpaths->unused) {
        struct mg_evaluator *evaluator = xpaths->unused;
        xpaths->unused = evaluator->next;
        evaluator_free(evaluator);
    }
    for (size_t i = 0; i < xpaths->namespace_count; i++) {
        free(xpaths->namespaces[i].prefix);
        free(xpaths->namespaces[i].uri);
    }
    for (int fact = 0; fact < MG_FACT_COUNT; fact++)
        free(xpaths->sources[fact]);
    pthread_mutex_destroy(&xpaths->mutex);
    free(xpaths);
}

struct mg_evaluator *mg_xpaths_borrow(struct mg_xpaths *xpaths)
{
    pthread_mutex_lock(&xpaths->mutex);
    struct mg_evaluator *evaluator = xpaths->unused;
    if (evaluator)
        xpaths->unused = evaluator->next;
    pthread_mutex_unlock(&xpaths->mutex);
    if (evaluator)
        return evaluator;
    evaluator = evaluator_open(xpaths);
    if (evaluator_compile(evaluator, xpaths) != MG_FACT_COUNT)
        mg_die("an XPath that compiled before no longer does: %s", evaluator->reason);
    return evaluator;
}

void mg_xpaths_return(struct mg_xpaths *xpaths, struct mg_evaluator *evaluator)
{
    pthread_mutex_lock(&xpaths->mutex);
    evaluator->next = xpaths->unused;
    xpaths->unused = evaluator;
    pthread_mutex_unlock(&xpaths->mutex);
}

static enum mg_fact_state copy_trimmed(const char *value, char *text, size_t size)
{
    static const char space[] = " \t\r\n";
    value += strspn(value, space);
    size_t length = strlen(value);
    while (length && strchr(space, value[length - 1]))
        length--;
    if (length >= size)
        return MG_FACT_TOO_LONG;
    memcpy(text, value, length);
    text[length] = '\0';
    return length ? MG_FACT_TAKEN : MG_FACT_ABSENT;
}

/* A text that is taken by itself may be the first of two. */
static bool is_divided(const xmlXPathObject *object)
{
    if (object->type != XPATH_NODESET || xmlXPathNodeSetIsEmpty(object->nodesetval))
        return false;
    const xmlNode *node = object->nodesetval->nodeTab[0];
    if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE)
        node = node->parent;
    return node->type == XML_ELEMENT_NODE && mg_fact_is_divided(node);
}

enum mg_fact_state mg_evaluator_take(struct mg_evaluator *evaluator, xmlDoc *document, int fact,
                                     char *text, size_t size)
{
    enum mg_fact_state state = MG_FACT_ABSENT;
    if (fact >= MG_FACT_COUNT || !evaluator->compiled[fact])
        return state;
    xmlXPathObject *object = evaluate(evaluator, document, fact);
    /* Of several nodes the first counts, as everywhere in XPath. */
    xmlChar *value = object ? xmlXPathCastToString(object) : NULL;
    if (object && is_divided(object))
        state = MG_FACT_DIVIDED;
    else if (value)
        state = copy_trimmed((const char *)value, text, size);
    xmlFree(value);
    xmlXPathFreeObject(object);
    return state;
}
