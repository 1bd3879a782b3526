#include "adapters/smtp/mail.h"
#include "adapters/smtp/protect.h"
#include "adapters/smtp/reply.h"
#include "tests/unit/adapter_host_double.h"
#include "tests/unit/unit.h"

#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OFFICE    "poststelle@amt.example"
#define GATEWAY   "gateway@muengsten.example"
#define YEAR      (365 * 86400L)
#define FOR_MAIL  "critical,digitalSignature,keyAgreement,keyEncipherment"
#define MAIL_ONLY "emailProtection"

static char folder[64];

/* ---- certificates ---- */

static void add_extension(X509 *certificate, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);
    CU_ASSERT_PTR_NOT_NULL_FATAL(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

/* A certificate signed by itself: valid between so many seconds from now. */
static X509 *make_certificate(EVP_PKEY *key, const char *address, const char *usage,
                              const char *extended, long from, long to)
{
    char name[128];
    X509 *certificate = X509_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(certificate);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
    X509_gmtime_adj(X509_getm_notBefore(certificate), from);
    X509_gmtime_adj(X509_getm_notAfter(certificate), to);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)"office", -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_set_pubkey(certificate, key);
    snprintf(name, sizeof name, "email:%s", address);
    add_extension(certificate, NID_subject_alt_name, name);
    if (usage)
        add_extension(certificate, NID_key_usage, usage);
    if (extended)
        add_extension(certificate, NID_ext_key_usage, extended);
    CU_ASSERT(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

static const char *path(const char *name)
{
    static char paths[8][256];
    static unsigned turn;
    char *text = paths[turn++ % 8];
    snprintf(text, sizeof paths[0], "%s/%s", folder, name);
    return text;
}

static void write_pair(const char *name, EVP_PKEY *key, X509 *certificate)
{
    char file[64];
    snprintf(file, sizeof file, "%s.pem", name);
    FILE *out = fopen(path(file), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    PEM_write_X509(out, certificate);
    fclose(out);
    snprintf(file, sizeof file, "%s.key", name);
    out = fopen(path(file), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    fclose(out);
    chmod(path(file), 0600);
}

/* NAME.pem and NAME.key, for that address. */
static void make_pair(const char *name, EVP_PKEY *key, const char *address, long to)
{
    X509 *certificate = make_certificate(key, address, FOR_MAIL, MAIL_ONLY, -60, to);
    write_pair(name, key, certificate);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void begin(EVP_PKEY *office, EVP_PKEY *mailer, long to)
{
    snprintf(folder, sizeof folder, "/tmp/adapter-smtp-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    make_pair("office", office, OFFICE, to);
    make_pair("mailer", mailer, GATEWAY, to);
}

static void end(void)
{
    static const char *const names[] = {"office.pem", "office.key", "mailer.pem", "mailer.key"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(path(names[i]));
    rmdir(folder);
}

/* ---- what is written ---- */

static const struct mg_mail_facts facts = {
    .from = GATEWAY,
    .to = OFFICE,
    .id = "0193-id",
    .uuid = "the-uuid",
    .type = "0101 (Meldung)",
    .author = "ags:05124000",
    .accepted = 1764154381000,
};

static void addresses_that_could_be_more_than_an_address_are_none(void)
{
    static const char *const good[] = {"a@b", "post.stelle+x@amt.example", "a'b@c.de"};
    static const char *const bad[] = {"",           "a",         "a@",
                                      "@b",         "a@b@c",     "a b@c",
                                      "a@b c",      "<a@b>",     "a@b\r\nBcc: c",
                                      "\"a\"@b",    "a@b,c",     "a@b>\n",
                                      "\xc3\xa4@b", "a@\xc3\xa4"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CU_ASSERT(mg_mail_is_address(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_FALSE(mg_mail_is_address(bad[i]));
}

static void a_file_keeps_its_name_only_if_that_is_harmless(void)
{
    static const char *const bad[] = {"",        NULL,   "../a",   ".a",  "-a",
                                      "a b.pdf", "a\"b", "a\r\nb", "a/b", "\xc3\xa4.pdf"};
    char name[128];
    mg_mail_file_name("id", 1, "Bauplan_3-1.pdf", name, sizeof name);
    CU_ASSERT_STRING_EQUAL(name, "Bauplan_3-1.pdf");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mg_mail_file_name("id", 3, bad[i], name, sizeof name);
        CU_ASSERT_STRING_EQUAL(name, "id.attachment-3");
    }
}

/* What mail servers demand, or might change otherwise (RFC 5322, RFC 5321). */
static void check_lines(const struct mg_text *text)
{
    size_t line = 0;
    for (size_t i = 0; i < text->length; i++) {
        unsigned char byte = (unsigned char)text->bytes[i];
        CU_ASSERT_FATAL(byte < 128 && byte != 0);
        if (byte == '\r')
            CU_ASSERT_FATAL(i + 1 < text->length && text->bytes[i + 1] == '\n');
        if (byte == '\n')
            CU_ASSERT_FATAL(i > 0 && text->bytes[i - 1] == '\r');
        line = byte == '\n' ? 0 : line + 1;
        CU_ASSERT_FATAL(line < 200);
    }
    CU_ASSERT_EQUAL(line, 0);
}

static void a_mail_is_ascii_in_short_lines_whatever_the_files_are(void)
{
    char bytes[1000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7);
    struct mg_mail_file files[2] = {
        {.name = "a.xml",
         .media_type = "application/xml",
         .content_id = "a@b",
         .bytes = bytes,
         .length = sizeof bytes},
        {.name = "b.bin",
         .media_type = "x\r\nBcc: c@d",
         .content_id = "a>\r\nX: y",
         .bytes = "",
         .length = 0},
    };
    struct mg_text text = {0}, whole = {0};
    mg_mail_content(&facts, files, 2, &text);
    check_lines(&text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text.bytes, "Content-ID: <a@b>\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text.bytes, "application/octet-stream; name=\"b.bin\""));
    CU_ASSERT_PTR_NULL(strstr(text.bytes, "Bcc"));
    CU_ASSERT_PTR_NULL(strstr(text.bytes, "X: y"));
    mg_mail_whole(&facts, "enveloped-data", &text, &whole);
    check_lines(&whole);
    mg_text_free(&whole);
    mg_text_free(&text);
}

static void the_envelope_is_the_same_in_every_repetition(void)
{
    const struct mg_text body = {(char[]){"x"}, 1, 1};
    struct mg_text text = {0};
    mg_mail_whole(&facts, "enveloped-data", &body, &text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text.bytes, "Message-ID: <0193-id@muengsten.example>\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text.bytes, "Date: Wed, 26 Nov 2025 10:53:01 +0000\r\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text.bytes, "Subject: Elektronische Nachricht 0193-id\r\n"));
    CU_ASSERT_PTR_NULL(strstr(text.bytes, "uuid"));
    CU_ASSERT_PTR_NULL(strstr(text.bytes, "ags:"));
    mg_text_free(&text);
}

/* ---- signing and encrypting ---- */

static X509 *load_certificate(const char *name)
{
    BIO *file = BIO_new_file(path(name), "r");
    X509 *certificate = PEM_read_bio_X509(file, NULL, NULL, NULL);
    BIO_free(file);
    CU_ASSERT_PTR_NOT_NULL_FATAL(certificate);
    return certificate;
}

static EVP_PKEY *load_key(const char *name)
{
    BIO *file = BIO_new_file(path(name), "r");
    EVP_PKEY *key = PEM_read_bio_PrivateKey(file, NULL, NULL, NULL);
    BIO_free(file);
    CU_ASSERT_PTR_NOT_NULL_FATAL(key);
    return key;
}

static CMS_ContentInfo *parse(const struct mg_text *der)
{
    const unsigned char *at = (const unsigned char *)der->bytes;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der->length);
    CU_ASSERT_PTR_NOT_NULL_FATAL(cms);
    return cms;
}

static bool signature_holds(const struct mg_text *signature, const char *content)
{
    X509 *mailer = load_certificate("mailer.pem");
    X509_STORE *store = X509_STORE_new();
    BIO *data = BIO_new_mem_buf(content, -1);
    CMS_ContentInfo *cms = parse(signature);
    X509_STORE_add_cert(store, mailer);
    bool holds = CMS_verify(cms, NULL, store, data, NULL, CMS_BINARY) == 1;
    CMS_ContentInfo_free(cms);
    BIO_free(data);
    X509_STORE_free(store);
    X509_free(mailer);
    return holds;
}

static void check_opens(const struct mg_text *encrypted, const char *content)
{
    X509 *office = load_certificate("office.pem");
    EVP_PKEY *key = load_key("office.key");
    BIO *out = BIO_new(BIO_s_mem());
    CMS_ContentInfo *cms = parse(encrypted);
    char *bytes;
    CU_ASSERT_EQUAL_FATAL(CMS_decrypt(cms, key, office, NULL, out, CMS_BINARY), 1);
    long length = BIO_get_mem_data(out, &bytes);
    CU_ASSERT_EQUAL_FATAL(length, (long)strlen(content));
    CU_ASSERT_EQUAL(memcmp(bytes, content, (size_t)length), 0);
    CMS_ContentInfo_free(cms);
    BIO_free(out);
    EVP_PKEY_free(key);
    X509_free(office);
}

static struct mg_protection protection_here(bool authenticated)
{
    return (struct mg_protection){
        .signing_certificate = path("mailer.pem"),
        .signing_key = path("mailer.key"),
        .certificate = path("office.pem"),
        .address = OFFICE,
        .authenticated = authenticated,
    };
}

static void check_round_trip(EVP_PKEY *office, EVP_PKEY *mailer, bool authenticated)
{
    char words[] = "what has to arrive\r\n";
    const struct mg_text content = {words, sizeof words - 1, sizeof words};
    struct mg_text signature = {0}, encrypted = {0};
    struct mg_failure failure = {0};
    begin(office, mailer, YEAR);
    const struct mg_protection protection = protection_here(authenticated);
    CU_ASSERT(mg_protect_check(&protection, &failure));
    CU_ASSERT_FATAL(mg_protect_sign(&protection, &content, &signature, &failure));
    CU_ASSERT_FATAL(mg_protect_encrypt(&protection, &content, &encrypted, &failure));
    CU_ASSERT(signature_holds(&signature, words));
    CU_ASSERT_FALSE(signature_holds(&signature, "something else"));
    check_opens(&encrypted, words);
    CU_ASSERT_PTR_NULL(memmem(encrypted.bytes, encrypted.length, "has to", 6));
    mg_text_free(&encrypted);
    mg_text_free(&signature);
    end();
}

/* One for all tests, since to make one takes long, under valgrind above all; freed like one of its
 * own. */
static EVP_PKEY *rsa_key(void)
{
    static EVP_PKEY *key;
    if (!key)
        key = EVP_RSA_gen(2048);
    EVP_PKEY_up_ref(key);
    return key;
}

static void what_is_signed_and_encrypted_with_keys_of_any_kind_can_be_opened(void)
{
    check_round_trip(EVP_EC_gen("P-256"), EVP_EC_gen("P-256"), false);
    check_round_trip(rsa_key(), rsa_key(), false);
    if (unit_amount(1, 0) == 0)
        return;
    check_round_trip(EVP_EC_gen("P-384"), EVP_EC_gen("P-521"), true);
    check_round_trip(EVP_EC_gen("brainpoolP256r1"), EVP_EC_gen("brainpoolP256r1"), false);
    check_round_trip(rsa_key(), EVP_EC_gen("P-256"), true);
}

static const char *judged(EVP_PKEY *key, const char *usage, const char *extended, long from,
                          long to, const char *address)
{
    struct mg_failure failure = {0};
    X509 *certificate = make_certificate(key, OFFICE, usage, extended, from, to);
    bool right = mg_protect_judge(certificate, address, time(NULL), &failure);
    CU_ASSERT_EQUAL(right, failure.code == NULL);
    CU_ASSERT(right || failure.loud);
    CU_ASSERT_FALSE(failure.permanent);
    X509_free(certificate);
    return failure.code ? failure.code : "right";
}

static void nothing_is_encrypted_to_a_certificate_that_is_not_the_offices_for_mail_and_now(void)
{
    EVP_PKEY *ec = EVP_EC_gen("P-256"), *rsa = rsa_key(), *weak = EVP_RSA_gen(1024);
    const char *agree = "critical,keyAgreement", *sign = "critical,digitalSignature";
    const char *encipher = "critical,keyEncipherment";
    CU_ASSERT_STRING_EQUAL(judged(ec, NULL, NULL, -60, YEAR, OFFICE), "right");
    CU_ASSERT_STRING_EQUAL(judged(ec, agree, MAIL_ONLY, -60, YEAR, OFFICE), "right");
    CU_ASSERT_STRING_EQUAL(judged(rsa, encipher, MAIL_ONLY, -60, YEAR, OFFICE), "right");
    CU_ASSERT_STRING_EQUAL(judged(ec, agree, MAIL_ONLY, -YEAR, -60, OFFICE),
                           "smtp.recipient-expired");
    CU_ASSERT_STRING_EQUAL(judged(ec, agree, MAIL_ONLY, 600, YEAR, OFFICE),
                           "smtp.recipient-expired");
    CU_ASSERT_STRING_EQUAL(judged(ec, agree, MAIL_ONLY, -60, YEAR, "other@amt.example"),
                           "smtp.recipient-address");
    CU_ASSERT_STRING_EQUAL(judged(ec, sign, MAIL_ONLY, -60, YEAR, OFFICE), "smtp.recipient-usage");
    CU_ASSERT_STRING_EQUAL(judged(rsa, agree, MAIL_ONLY, -60, YEAR, OFFICE),
                           "smtp.recipient-usage");
    CU_ASSERT_STRING_EQUAL(judged(ec, agree, "serverAuth", -60, YEAR, OFFICE),
                           "smtp.recipient-usage");
    CU_ASSERT_STRING_EQUAL(judged(weak, encipher, MAIL_ONLY, -60, YEAR, OFFICE),
                           "smtp.recipient-usage");
    EVP_PKEY_free(weak);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
}

static void nothing_is_signed_with_a_certificate_that_has_expired_or_is_another_keys(void)
{
    char words[] = "x";
    const struct mg_text content = {words, 1, sizeof words};
    struct mg_text signature = {0};
    struct mg_failure failure = {0};
    begin(EVP_EC_gen("P-256"), EVP_EC_gen("P-256"), -30);
    struct mg_protection protection = protection_here(false);
    CU_ASSERT_FALSE(mg_protect_sign(&protection, &content, &signature, &failure));
    CU_ASSERT_STRING_EQUAL(failure.code, "smtp.signer-expired");
    CU_ASSERT_EQUAL(mg_protect_time_left(&protection), 0);
    protection.signing_key = path("office.key");
    CU_ASSERT_FALSE(mg_protect_sign(&protection, &content, &signature, &failure));
    CU_ASSERT_STRING_EQUAL(failure.code, "smtp.signer");
    CU_ASSERT_FALSE(mg_protect_check(&protection, &failure));
    CU_ASSERT_EQUAL(signature.length, 0);
    end();
}

/* ---- what servers say ---- */

static void say(struct mg_conversation *conversation, const char *command, const char *reply)
{
    if (command)
        mg_conversation_sent(conversation, command, strlen(command));
    mg_conversation_received(conversation, reply, strlen(reply));
}

static struct mg_failure judge(const struct mg_conversation *conversation, CURLcode result)
{
    struct mg_failure failure;
    mg_reply_judge(result, conversation, &failure);
    return failure;
}

static void the_last_reply_counts_and_not_the_farewell(void)
{
    struct mg_conversation conversation = {0};
    say(&conversation, NULL, "220 mail ready\r\n");
    say(&conversation, "EHLO a\r\n", "250-SIZE 100\r\n");
    CU_ASSERT_EQUAL(conversation.reply, 220);
    say(&conversation, NULL, "250 STARTTLS\r\n");
    CU_ASSERT_EQUAL(conversation.reply, 250);
    CU_ASSERT_FALSE(conversation.about_the_mail);
    say(&conversation, "mail FROM:<a@b>\r\n", "250 ok\r\n");
    say(&conversation, "RCPT TO:<a@b>\r\n", "451 later\r\n");
    say(&conversation, NULL, "garbage\r\n");
    say(&conversation, "QUIT\r\n", "221 bye\r\n");
    CU_ASSERT_EQUAL(conversation.reply, 451);
    CU_ASSERT(conversation.about_the_mail);
    /* A word of a password is no command. */
    conversation = (struct mg_conversation){0};
    say(&conversation, "MAILBOX\r\n", "334\r\n");
    CU_ASSERT_FALSE(conversation.about_the_mail);
}

static void a_4xx_is_temporary_and_a_5xx_to_the_mail_is_permanent(void)
{
    static const struct {
        int reply;
        bool about_the_mail, permanent, loud;
        const char *code;
    } cases[] = {
        {450, true, false, false, "smtp.450"},    {421, true, false, false, "smtp.421"},
        {421, false, false, false, "smtp.421"},   {550, true, true, false, "smtp.550"},
        {552, true, true, false, "smtp.552"},     {554, false, false, true, "smtp.554"},
        {530, true, false, true, "smtp.login"},   {535, false, false, true, "smtp.login"},
        {354, true, false, false, "smtp.closed"}, {0, false, false, false, "smtp.closed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct mg_conversation conversation = {.about_the_mail = cases[i].about_the_mail,
                                                     .reply = cases[i].reply};
        struct mg_failure failure = judge(&conversation, CURLE_SEND_ERROR);
        CU_ASSERT_STRING_EQUAL(failure.made[0] ? failure.made : failure.code, cases[i].code);
        CU_ASSERT_EQUAL(failure.permanent, cases[i].permanent);
        CU_ASSERT_EQUAL(failure.loud, cases[i].loud);
    }
}

static void a_connection_that_is_not_safe_or_not_there_is_temporary(void)
{
    static const struct {
        CURLcode result;
        const char *code;
    } cases[] = {
        {CURLE_COULDNT_RESOLVE_HOST, "smtp.resolve"}, {CURLE_COULDNT_CONNECT, "smtp.connect"},
        {CURLE_OPERATION_TIMEDOUT, "smtp.timeout"},   {CURLE_USE_SSL_FAILED, "smtp.no-tls"},
        {CURLE_PEER_FAILED_VERIFICATION, "smtp.tls"}, {CURLE_SSL_CONNECT_ERROR, "smtp.tls"},
        {CURLE_LOGIN_DENIED, "smtp.login"},           {CURLE_ABORTED_BY_CALLBACK, "smtp.cancelled"},
        {CURLE_GOT_NOTHING, "smtp.closed"},
    };
    const struct mg_conversation conversation = {.reply = 250};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mg_failure failure = judge(&conversation, cases[i].result);
        CU_ASSERT_STRING_EQUAL(failure.code, cases[i].code);
        CU_ASSERT_FALSE(failure.permanent);
    }
    CU_ASSERT_PTR_NULL(judge(&conversation, CURLE_OK).code);
}

/* ---- an instance ---- */

static void start(const char *port, long expires)
{
    begin(EVP_EC_gen("P-256"), EVP_EC_gen("P-256"), expires);
    host_start();
    host_parameter("host", "127.0.0.1");
    host_parameter("port", port);
    host_parameter("from", GATEWAY);
    host_parameter("to", OFFICE);
    host_parameter("security", "none");
    host_parameter("certificate", path("office.pem"));
    host_parameter("signing-certificate", path("mailer.pem"));
    host_parameter("signing-key", path("mailer.key"));
}

static void stop(void)
{
    host_stop();
    end();
}

/* Hands a delivery over, and checks what becomes of it. */
static void check_delivery(const char *document, enum mg_outcome_kind kind, const char *code)
{
    struct mg_delivery *delivery = host_delivery(document, "<seal/>");
    host_attach(delivery, "plan.pdf", "what is attached");
    host_deliver(delivery);
    host_run();
    CU_ASSERT_FATAL(delivery->done);
    CU_ASSERT_EQUAL(delivery->kind, kind);
    CU_ASSERT_STRING_EQUAL(delivery->code.bytes, code);
    host_delivery_free(delivery);
}

static void a_server_that_is_not_there_is_a_temporary_failure(void)
{
    char port[8];
    int descriptor = host_silent_port(false, port);
    start(port, YEAR);
    CU_ASSERT_PTR_NOT_NULL_FATAL(host_open(false));
    host.read_at_most = 3;
    check_delivery("<a>content</a>", MG_TEMPORARY, "smtp.connect");
    CU_ASSERT_EQUAL(host.log_count, 0);
    stop();
    close(descriptor);
}

static void a_certificate_that_expires_soon_is_told_once_a_day(void)
{
    char port[8];
    int descriptor = host_silent_port(false, port);
    start(port, 10 * 86400L);
    CU_ASSERT_PTR_NOT_NULL_FATAL(host_open(false));
    check_delivery("<a/>", MG_TEMPORARY, "smtp.connect");
    check_delivery("<a/>", MG_TEMPORARY, "smtp.connect");
    CU_ASSERT_EQUAL(host.log_count, 1);
    stop();
    close(descriptor);
}

static void an_expired_certificate_is_told_once_and_keeps_the_message(void)
{
    start("1", -30);
    CU_ASSERT_PTR_NOT_NULL_FATAL(host_open(false));
    check_delivery("<a/>", MG_TEMPORARY, "smtp.signer-expired");
    check_delivery("<a/>", MG_TEMPORARY, "smtp.signer-expired");
    CU_ASSERT_EQUAL(host.log_count, 1);
    stop();
}

static void
while_something_has_to_be_mended_files_and_server_are_looked_at_less_and_less_often(void)
{
    start("1", -30);
    CU_ASSERT_PTR_NOT_NULL_FATAL(host_open(false));
    check_delivery("<a/>", MG_TEMPORARY, "smtp.signer-expired");
    CU_ASSERT_EQUAL(host_next_timer(), 2000);
    host_advance(2000);
    CU_ASSERT_EQUAL(host_next_timer(), 4000);
    for (int i = 0; i < 5; i++)
        host_advance(30000);
    CU_ASSERT_EQUAL(host_next_timer(), 30000);
    CU_ASSERT_EQUAL(host.log_count, 1);
    /* Renewed; but now there is no server, which is another reason. */
    make_pair("office", EVP_EC_gen("P-256"), OFFICE, YEAR);
    make_pair("mailer", EVP_EC_gen("P-256"), GATEWAY, YEAR);
    host_advance(30000);
    CU_ASSERT_EQUAL(host.log_count, 2);
    stop();
}

static void a_message_that_would_be_too_large_a_mail_is_a_dead_letter(void)
{
    char *large = malloc(70000);
    memset(large, 'a', 69999);
    large[69999] = '\0';
    start("1", YEAR);
    host_parameter("largest", "65536");
    CU_ASSERT_PTR_NOT_NULL_FATAL(host_open(false));
    check_delivery(large, MG_PERMANENT, "smtp.too-large");
    stop();
    free(large);
}

static struct mg_delivery *underway;

static void cancel_it(void)
{
    host_cancel(underway);
}

static void a_delivery_that_is_cancelled_comes_back_soon(void)
{
    char port[8];
    int descriptor = host_silent_port(true, port);
    start(port, YEAR);
    host_parameter("step-timeout", "600");
    CU_ASSERT_PTR_NOT_NULL_FATAL(host_open(false));
    underway = host_delivery("<a/>", NULL);
    host.before_work = cancel_it;
    host_deliver(underway);
    host_run();
    CU_ASSERT_FATAL(underway->done);
    CU_ASSERT_STRING_EQUAL(underway->code.bytes, "smtp.cancelled");
    host_delivery_free(underway);
    host.before_work = NULL;
    underway = host_delivery("<a/>", NULL);
    host.full = 1;
    host_deliver(underway);
    host_cancel(underway);
    CU_ASSERT_FATAL(underway->done);
    host_delivery_free(underway);
    stop();
    close(descriptor);
}

static void check_refused(const char *name, const char *value)
{
    start("1", YEAR);
    host_parameter(name, value);
    host.parameters[4].value = strcmp(name, "security") == 0 ? value : "none";
    if (strcmp(name, "host") == 0)
        host.parameters[0].value = value;
    if (strcmp(name, "to") == 0)
        host.parameters[3].value = value;
    CU_ASSERT_PTR_NULL(host_open(false));
    CU_ASSERT_STRING_EQUAL(host.failure.bytes, "smtp.parameter");
    stop();
}

static void parameters_that_would_let_something_out_are_refused(void)
{
    check_refused("host", "mail.example"); /* in clear */
    check_refused("host", "127.0.0.1@mail.example");
    check_refused("security", "starttls"); /* without authorities */
    check_refused("security", "perhaps");
    check_refused("to", "a@b.example\r\nBcc: c@d.example");
    check_refused("certificate-address", "nobody");
    check_refused("cipher", "des-cbc");
    check_refused("user", "gateway"); /* without a password */
    check_refused("hello", "a b");
}

int main(void)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(addresses_that_could_be_more_than_an_address_are_none),
        UNIT_TEST(a_file_keeps_its_name_only_if_that_is_harmless),
        UNIT_TEST(a_mail_is_ascii_in_short_lines_whatever_the_files_are),
        UNIT_TEST(the_envelope_is_the_same_in_every_repetition),
        UNIT_TEST(what_is_signed_and_encrypted_with_keys_of_any_kind_can_be_opened),
        UNIT_TEST(nothing_is_encrypted_to_a_certificate_that_is_not_the_offices_for_mail_and_now),
        UNIT_TEST(nothing_is_signed_with_a_certificate_that_has_expired_or_is_another_keys),
        UNIT_TEST(the_last_reply_counts_and_not_the_farewell),
        UNIT_TEST(a_4xx_is_temporary_and_a_5xx_to_the_mail_is_permanent),
        UNIT_TEST(a_connection_that_is_not_safe_or_not_there_is_temporary),
        UNIT_TEST(a_server_that_is_not_there_is_a_temporary_failure),
        UNIT_TEST(a_certificate_that_expires_soon_is_told_once_a_day),
        UNIT_TEST(an_expired_certificate_is_told_once_and_keeps_the_message),
        UNIT_TEST(
            while_something_has_to_be_mended_files_and_server_are_looked_at_less_and_less_often),
        UNIT_TEST(a_message_that_would_be_too_large_a_mail_is_a_dead_letter),
        UNIT_TEST(a_delivery_that_is_cancelled_comes_back_soon),
        UNIT_TEST(parameters_that_would_let_something_out_are_refused),
    };
    return unit_run("adapter_smtp", tests, sizeof tests / sizeof *tests);
}
