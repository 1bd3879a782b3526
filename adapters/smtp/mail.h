/*
 * mail: a message written down as an e-mail (RFC 5322, RFC 2045, RFC 8551). Pure.
 *
 * What goes out is an envelope that says nothing but where from, where to, when, and the gateway's
 * id of the message; inside it, encrypted, is what was signed; and inside that are a few sentences
 * for the office that opens it, in German, and the files.
 *
 * Everything is in ASCII, in lines that no mail server changes, since what is signed must arrive as
 * it was. The Message-ID and the date are those of the message, so that a repetition is recognised
 * by mail servers, mail programs and people alike.
 */
#ifndef MUENGSTEN_ADAPTERS_SMTP_MAIL_H
#define MUENGSTEN_ADAPTERS_SMTP_MAIL_H

#include "adapters/common/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mg_mail_facts {
    const char *from, *to; /* addresses */
    const char *id;        /* the gateway's */
    const char *uuid;      /* the sender's; may be empty, as the following */
    const char *type;
    const char *author;
    int64_t accepted; /* milliseconds since 1970 */
};

struct mg_mail_file {
    char name[128];
    char media_type[128];
    char content_id[128]; /* may be empty */
    const void *bytes;
    size_t length;
};

/* True for an address that can stand in a mail as it is: ASCII, one @, no quoting. */
bool mg_mail_is_address(const char *address);

/* The name for a file that somebody outside has named: that name if it is harmless, otherwise
 * ID.attachment-NUMBER. */
void mg_mail_file_name(const char *id, unsigned number, const char *given, char *name, size_t size);

/* The MIME entity that is signed: sentences and files as multipart/mixed. */
void mg_mail_content(const struct mg_mail_facts *facts, const struct mg_mail_file *files,
                     size_t count, struct mg_text *text);

/* The MIME entity that is encrypted: the content and its signature (CMS, DER) as multipart/signed.
 */
void mg_mail_signed(const struct mg_mail_facts *facts, const struct mg_text *content,
                    const struct mg_text *signature, struct mg_text *text);

/* The whole mail, with the encrypted entity (CMS, DER) as its body. smime_type is enveloped-data
 * or authEnveloped-data. */
void mg_mail_whole(const struct mg_mail_facts *facts, const char *smime_type,
                   const struct mg_text *encrypted, struct mg_text *text);

#endif
