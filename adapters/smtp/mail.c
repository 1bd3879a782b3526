#include "adapters/smtp/mail.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINE 57 /* bytes that become the 76 characters of a line */

static const char letters_and_digits[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

bool mg_mail_is_address(const char *address)
{
    char allowed[sizeof letters_and_digits + 24];
    snprintf(allowed, sizeof allowed, "%s%s", letters_and_digits, "!#$%&'*+-/=?^_`{|}~.");
    size_t local = strspn(address, allowed);
    if (local == 0 || local > 64 || address[local] != '@')
        return false;
    const char *domain = address + local + 1;
    snprintf(allowed, sizeof allowed, "%s.-", letters_and_digits);
    size_t length = strspn(domain, allowed);
    return length > 0 && length < 256 && domain[length] == '\0';
}

void mg_mail_file_name(const char *id, unsigned number, const char *given, char *name, size_t size)
{
    char allowed[sizeof letters_and_digits + 4];
    snprintf(allowed, sizeof allowed, "%s._-", letters_and_digits);
    size_t length = given ? strspn(given, allowed) : 0;
    if (length > 0 && length < size && length <= 100 && given[length] == '\0' && given[0] != '.' &&
        given[0] != '-')
        snprintf(name, size, "%s", given);
    else
        snprintf(name, size, "%s.attachment-%u", id, number);
}

static void add_base64(struct mg_text *text, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    unsigned char line[LINE / 3 * 4 + 1];
    while (length > 0) {
        size_t part = length < LINE ? length : LINE;
        int written = EVP_EncodeBlock(line, at, (int)part);
        mg_text_add(text, line, (size_t)written);
        mg_text_add(text, "\r\n", 2);
        at += part;
        length -= part;
    }
}

/* A type that stands in a header as it is; what else comes is bytes. */
static const char *media_type(const struct mg_mail_file *file)
{
    char allowed[sizeof letters_and_digits + 8];
    snprintf(allowed, sizeof allowed, "%s+-./", letters_and_digits);
    const char *slash = strchr(file->media_type, '/');
    return slash && slash != file->media_type && slash[1] &&
                   file->media_type[strspn(file->media_type, allowed)] == '\0'
               ? file->media_type
               : "application/octet-stream";
}

static void add_file(struct mg_text *text, const struct mg_mail_file *file)
{
    mg_text_print(text, "Content-Type: %s; name=\"%s\"\r\n", media_type(file), file->name);
    mg_text_print(text, "Content-Disposition: attachment; filename=\"%s\"\r\n", file->name);
    if (file->content_id[0] && !file->content_id[strcspn(file->content_id, " <>\"\r\n")])
        mg_text_print(text, "Content-ID: <%s>\r\n", file->content_id);
    mg_text_print(text, "Content-Transfer-Encoding: base64\r\n\r\n");
    add_base64(text, file->bytes, file->length);
}

/* ---- what people read ---- */

static void add_fact(struct mg_text *text, const char *name, const char *value)
{
    if (value && value[0])
        mg_text_print(text, "  %-24s %s\r\n", name, value);
}

static void add_sentences(struct mg_text *text, const struct mg_mail_facts *facts,
                          const struct mg_mail_file *files, size_t count)
{
    char moment[64];
    struct tm local;
    time_t seconds = (time_t)(facts->accepted / 1000);
    localtime_r(&seconds, &local);
    strftime(moment, sizeof moment, "%d.%m.%Y, %H:%M Uhr", &local);
    mg_text_print(text,
                  "Guten Tag,\r\n\r\n"
                  "dieser E-Mail liegt eine Nachricht für Ihre Stelle bei. Das Gateway hat sie "
                  "geprüft und mit\r\nseinem Siegel versehen.\r\n\r\n");
    add_fact(text, "Art der Nachricht:", facts->type);
    add_fact(text, "Autor:", facts->author);
    add_fact(text, "UUID der Nachricht:", facts->uuid);
    add_fact(text, "Kennung im Gateway:", facts->id);
    add_fact(text, "Angenommen:", moment);
    mg_text_print(text, "\r\nDie Dateien:\r\n\r\n");
    for (size_t i = 0; i < count; i++)
        mg_text_print(text, "  %s\r\n", files[i].name);
    mg_text_print(text,
                  "\r\nBitte übernehmen Sie die Datei %s.xml in Ihr Fachverfahren. Eine Datei mit "
                  "der Endung\r\n.seal.xml ist das Siegel; bewahren Sie es mit der Nachricht "
                  "auf.\r\n\r\n"
                  "Erhalten Sie eine weitere E-Mail mit derselben Kennung, so ist es dieselbe "
                  "Nachricht: Sie müssen\r\nsie nur einmal bearbeiten.\r\n\r\n"
                  "Diese E-Mail wurde selbsttätig verschickt. Antworten liest niemand.\r\n",
                  facts->id);
}

void mg_mail_content(const struct mg_mail_facts *facts, const struct mg_mail_file *files,
                     size_t count, struct mg_text *text)
{
    struct mg_text sentences = {0};
    add_sentences(&sentences, facts, files, count);
    /* No line of base64 begins as a border does. */
    mg_text_print(text, "Content-Type: multipart/mixed; boundary=\"=_mixed_%s\"\r\n\r\n",
                  facts->id);
    mg_text_print(text,
                  "--=_mixed_%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                  "Content-Transfer-Encoding: base64\r\n\r\n",
                  facts->id);
    add_base64(text, sentences.bytes, sentences.length);
    for (size_t i = 0; i < count; i++) {
        mg_text_print(text, "--=_mixed_%s\r\n", facts->id);
        add_file(text, &files[i]);
    }
    mg_text_print(text, "--=_mixed_%s--\r\n", facts->id);
    mg_text_free(&sentences);
}

void mg_mail_signed(const struct mg_mail_facts *facts, const struct mg_text *content,
                    const struct mg_text *signature, struct mg_text *text)
{
    mg_text_print(text,
                  "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n"
                  " micalg=sha-256; boundary=\"=_signed_%s\"\r\n\r\n--=_signed_%s\r\n",
                  facts->id, facts->id);
    mg_text_add(text, content->bytes, content->length);
    mg_text_print(text,
                  "\r\n--=_signed_%s\r\n"
                  "Content-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n"
                  "Content-Disposition: attachment; filename=\"smime.p7s\"\r\n"
                  "Content-Transfer-Encoding: base64\r\n\r\n",
                  facts->id);
    add_base64(text, signature->bytes, signature->length);
    mg_text_print(text, "--=_signed_%s--\r\n", facts->id);
}

/* ---- the envelope ---- */

/* As RFC 5322 wants it, whatever language the system speaks. */
static void add_date(struct mg_text *text, int64_t accepted)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(accepted / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    mg_text_print(text, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[utc.tm_wday],
                  utc.tm_mday, months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
                  utc.tm_sec);
}

void mg_mail_whole(const struct mg_mail_facts *facts, const char *smime_type,
                   const struct mg_text *encrypted, struct mg_text *text)
{
    mg_text_print(text, "From: <%s>\r\nTo: <%s>\r\n", facts->from, facts->to);
    add_date(text, facts->accepted);
    mg_text_print(text, "Message-ID: <%s%s>\r\n", facts->id, strrchr(facts->from, '@'));
    mg_text_print(text, "Subject: Elektronische Nachricht %s\r\n", facts->id);
    mg_text_print(text,
                  "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                  "Content-Type: application/pkcs7-mime; smime-type=%s;\r\n name=\"smime.p7m\"\r\n"
                  "Content-Disposition: attachment; filename=\"smime.p7m\"\r\n"
                  "Content-Transfer-Encoding: base64\r\n\r\n",
                  smime_type);
    add_base64(text, encrypted->bytes, encrypted->length);
}
