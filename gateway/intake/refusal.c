#include "gateway/intake/refusal.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The first entry that a code equals, or begins with up to its dot, decides. */
static const struct {
    const char *code;
    struct mg_refusal_kind kind;
} kinds[] = {
    {"partner.unknown", {403, "The certificate belongs to no partner", 0}},
    {"media-type.unsupported", {415, "The media type is not supported", 0}},
    {"encoding.unsupported", {415, "The content encoding is not supported", 0}},
    {"attachments.unsupported", {415, "Attachments are not supported on this way in", 0}},
    {"body.too-large", {413, "The message is too large", 0}},
    {"body.empty", {400, "The message is empty", 0}},
    {"gzip.too-large", {413, "The unpacked message is too large", 0}},
    {"gzip.", {400, "The message cannot be unpacked", 0}},
    {"multipart.", {400, "The parts of the message cannot be told apart", 0}},
    {"xml.too-large", {413, "The message is too large", 0}},
    {"xml.", {400, "The document is not acceptable XML", 0}},
    {"profile.", {422, "The kind of message is not known here", 0}},
    {"header.", {422, "The message header is not complete and correct", 0}},
    {"permission.", {403, "The partner may not send this message", 0}},
    {"signature.internal", {500, "The signature could not be checked", 60}},
    {"signature.", {422, "The signature is not acceptable", 0}},
    {"certificate.", {422, "The certificate of the signature is not acceptable", 0}},
    {"schema.internal", {500, "The document could not be validated", 60}},
    {"schema.", {422, "The document does not obey its schema", 0}},
    {"duplicate.", {409, "The message UUID was used before", 0}},
    {"route.", {422, "There is no route to the reader", 0}},
    {"quota.", {429, "The partner's quota is used up", 10}},
    {"gateway.", {503, "The gateway cannot take messages now", 5}},
    {"store.", {503, "The gateway cannot store messages now", 30}},
    {"message.", {404, "There is no such message", 0}},
    {"destination.", {503, "The destination is closed at the moment", 30}},
    {"box.unknown", {404, "There is no such message in the box", 0}},
    {"box.taken", {409, "Somebody else has the message at the moment", 0}},
    {"box.lost", {409, "The message was taken by somebody else since", 0}},
    {"box.", {400, "The question to the box is not understood", 0}},
};

const struct mg_refusal_kind *mg_refusal_kind(const char *code)
{
    static const struct mg_refusal_kind internal = {500, "The gateway failed", 60};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t length = strlen(kinds[i].code);
        bool family = kinds[i].code[length - 1] == '.';
        if (family ? strncmp(code, kinds[i].code, length) == 0 : strcmp(code, kinds[i].code) == 0)
            return &kinds[i].kind;
    }
    return &internal;
}
