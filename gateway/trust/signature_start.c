#include "gateway/trust/confinement.h"
#include "gateway/trust/signature.h"
#include "gateway/trust/signature_certificate.h"

#include <libxml/parser.h>
#include <xmlsec/errors.h>
#include <xmlsec/openssl/app.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/xmlsec.h>

/* xmlsec would write to stderr. What failed is told by what its functions return. */
static void drop(const char *file, int line, const char *function, const char *object,
                 const char *subject, int reason, const char *message)
{
    (void)file;
    (void)line;
    (void)function;
    (void)object;
    (void)subject;
    (void)reason;
    (void)message;
}

bool mg_trust_start(struct mg_error *error)
{
    xmlInitParser();
    if (xmlSecInit() < 0 || xmlSecCheckVersion() != 1)
        return mg_fail(
            error, "system.xmlsec",
            "xmlsec does not start, or is another version than the gateway was built with.");
    if (xmlSecOpenSSLAppInit(NULL) < 0 || xmlSecOpenSSLInit() < 0)
        return mg_fail(error, "system.xmlsec", "xmlsec does not start with OpenSSL.");
    /* At last, since xmlsec sets its own of both. */
    xmlSecErrorsSetCallback(drop);
    mg_confinement_install();
    return true;
}

void mg_trust_stop(void)
{
    mg_signature_signer_forget();
    xmlSecOpenSSLShutdown();
    xmlSecOpenSSLAppShutdown();
    xmlSecShutdown();
}
