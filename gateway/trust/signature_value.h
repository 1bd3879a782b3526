/*
 * signature_value: whether a signature value belongs to some bytes and a public key. xmlsec does
 * it, except for RSA-PSS, which its version 1.2 does not know. Any thread; keys are shared.
 */
#ifndef MUENGSTEN_TRUST_SIGNATURE_VALUE_H
#define MUENGSTEN_TRUST_SIGNATURE_VALUE_H

#include "gateway/base/error.h"
#include "gateway/trust/signature_algorithm.h"

#include <stddef.h>
#include <xmlsec/keys.h>

/* The key has to fit the method. Codes: signature.value, signature.internal. */
bool mg_signature_value_check(const struct mg_signature_method *method, EVP_PKEY *key,
                              const char *bytes, size_t length, const uint8_t *value,
                              size_t value_length, struct mg_error *error);

/* xmlsec's key with a reference to OpenSSL's, which the caller frees with xmlSecKeyDestroy; NULL if
 * xmlsec does not know its kind. */
xmlSecKey *mg_signature_wrap_key(EVP_PKEY *key);

#endif
