/*
 * signature_proof: whether xmlsec, asked as a receiver would ask it, accepts what a signer makes.
 *
 * Signatures are written as text by ourselves and signed behind the narrow interface of a key; so
 * each signer proves at load, once, that the whole of xmlsec's own verification accepts a
 * signature of its: before the first message is sealed, and not at the first receiver.
 */
#ifndef MUENGSTEN_TRUST_SIGNATURE_PROOF_H
#define MUENGSTEN_TRUST_SIGNATURE_PROOF_H

#include "gateway/trust/signature.h"

/* Makes an enveloped signature with properties over a small document, and has xmlsec verify it with
 * the certificate's key. Codes: key.sign, signer.refused. */
bool mg_signature_prove(const struct mg_signer *signer, struct mg_error *error);

#endif
