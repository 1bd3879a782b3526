/*
 * floor: what one message costs at the very least: parse, verify, validate, sign, serialise with
 * libxml2 and xmlsec used plainly, in one thread, with fixed keys. Everything the gateway does
 * beyond that is its overhead.
 *
 * usage: floor MESSAGE SCHEMA KEY COUNT
 * Signs the message once with the key, then works COUNT times; prints CPU microseconds for each
 * step as JSON.
 */
#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <xmlsec/crypto.h>
#include <xmlsec/templates.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>

enum step { PARSE, VERIFY, VALIDATE, SIGN, SERIALISE, STEPS };

static double spent[STEPS];

static double processor_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void count(enum step step, double *since)
{
    double now = processor_time();
    spent[step] += now - *since;
    *since = now;
}

static void give_up(const char *what)
{
    fprintf(stderr, "floor: %s\n", what);
    exit(1);
}

static void sign(xmlDoc *document, xmlSecKey *key)
{
    xmlNode *signature = xmlSecTmplSignatureCreate(document, xmlSecTransformExclC14NId,
                                                   xmlSecTransformEcdsaSha256Id, NULL);
    xmlAddChild(xmlDocGetRootElement(document), signature);
    xmlNode *reference = xmlSecTmplSignatureAddReference(signature, xmlSecTransformSha256Id, NULL,
                                                         BAD_CAST "", NULL);
    xmlSecTmplReferenceAddTransform(reference, xmlSecTransformEnvelopedId);
    xmlSecTmplReferenceAddTransform(reference, xmlSecTransformInclC14NId);
    xmlSecDSigCtx *context = xmlSecDSigCtxCreate(NULL);
    context->signKey = xmlSecKeyDuplicate(key);
    if (xmlSecDSigCtxSign(context, signature) < 0)
        give_up("cannot sign");
    xmlSecDSigCtxDestroy(context);
}

static void verify(xmlDoc *document, xmlSecKey *key)
{
    xmlNode *signature =
        xmlSecFindNode(xmlDocGetRootElement(document), xmlSecNodeSignature, xmlSecDSigNs);
    xmlSecDSigCtx *context = xmlSecDSigCtxCreate(NULL);
    context->signKey = xmlSecKeyDuplicate(key);
    if (xmlSecDSigCtxVerify(context, signature) < 0 || context->status != xmlSecDSigStatusSucceeded)
        give_up("cannot verify");
    xmlSecDSigCtxDestroy(context);
    xmlUnlinkNode(signature);
    xmlFreeNode(signature);
}

static void validate(xmlDoc *document, xmlSchema *schema)
{
    xmlSchemaValidCtxt *context = xmlSchemaNewValidCtxt(schema);
    if (xmlSchemaValidateDoc(context, document) != 0)
        give_up("the message is not valid");
    xmlSchemaFreeValidCtxt(context);
}

static void work(const xmlChar *message, int length, xmlSchema *schema, xmlSecKey *key)
{
    double since = processor_time();
    xmlDoc *document = xmlReadMemory((const char *)message, length, NULL, NULL, XML_PARSE_NONET);
    count(PARSE, &since);
    verify(document, key);
    count(VERIFY, &since);
    validate(document, schema);
    count(VALIDATE, &since);
    sign(document, key);
    count(SIGN, &since);
    xmlChar *bytes;
    int size;
    xmlDocDumpMemory(document, &bytes, &size);
    xmlFree(bytes);
    xmlFreeDoc(document);
    count(SERIALISE, &since);
}

int main(int argument_count, char **arguments)
{
    if (argument_count != 5)
        give_up("usage: floor MESSAGE SCHEMA KEY COUNT");
    xmlInitParser();
    if (xmlSecInit() < 0 || xmlSecCryptoAppInit(NULL) < 0 || xmlSecCryptoInit() < 0)
        give_up("xmlsec does not start");
    xmlSecKey *key = xmlSecCryptoAppKeyLoad(arguments[3], xmlSecKeyDataFormatPem, NULL, NULL, NULL);
    xmlSchemaParserCtxt *parser = xmlSchemaNewParserCtxt(arguments[2]);
    xmlSchema *schema = parser ? xmlSchemaParse(parser) : NULL;
    xmlDoc *document = xmlReadFile(arguments[1], NULL, XML_PARSE_NONET);
    if (!key || !schema || !document)
        give_up("key, schema or message cannot be read");
    sign(document, key);
    xmlChar *message;
    int length;
    xmlDocDumpMemory(document, &message, &length);
    int repetitions = atoi(arguments[4]);
    work(message, length, schema, key); /* warm */
    for (int i = 0; i < STEPS; i++)
        spent[i] = 0;
    for (int i = 0; i < repetitions; i++)
        work(message, length, schema, key);
    static const char *const names[] = {"parse", "verify", "validate", "sign", "serialise"};
    double total = 0;
    printf("{");
    for (int i = 0; i < STEPS; i++) {
        printf("\"%s\": %.1f, ", names[i], spent[i] / repetitions);
        total += spent[i];
    }
    printf("\"total\": %.1f, \"bytes\": %d}\n", total / repetitions, length);
    xmlFree(message);
    xmlFreeDoc(document);
    xmlSchemaFree(schema);
    xmlSchemaFreeParserCtxt(parser);
    xmlSecKeyDestroy(key);
    return 0;
}
