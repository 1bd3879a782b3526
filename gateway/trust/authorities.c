#include "gateway/trust/authorities.h"

#include "gateway/base/buffer.h"
#include "gateway/trust/file.h"

#include <dirent.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Revocation lists of large authorities hold some hundred thousand numbers of 40 bytes each. */
#define FILE_LIMIT (64 * 1024 * 1024)

/* What is read and how it is called: the two kinds differ in nothing else. */
struct kind {
    const char *noun;
    const char *code;
    const char *extensions[2];
    /* Takes the next one out of the PEM text: false at the end, or at something broken. */
    bool (*take)(BIO *pem, void *stack);
};

static bool take_certificate(BIO *pem, void *stack)
{
    X509 *certificate = PEM_read_bio_X509(pem, NULL, NULL, NULL);
    if (certificate && sk_X509_push(stack, certificate) == 0)
        mg_die("no memory for a certificate");
    return certificate != NULL;
}

static bool take_list(BIO *pem, void *stack)
{
    X509_CRL *list = PEM_read_bio_X509_CRL(pem, NULL, NULL, NULL);
    if (list && sk_X509_CRL_push(stack, list) == 0)
        mg_die("no memory for a revocation list");
    return list != NULL;
}

static const struct kind authority = {
    "trusted authorities", "certificate.unreadable", {".pem", ".crt"}, take_certificate};
static const struct kind list = {
    "revocation lists", "certificate.list-unreadable", {".pem", ".crl"}, take_list};

static bool fail_to_read(const struct kind *kind, const char *path, const char *reason,
                         struct mg_error *error)
{
    ERR_clear_error();
    mg_fail(error, kind->code, "The %s cannot be read: %s.", kind->noun, reason);
    mg_error_at(error, "%s", path);
    return false;
}

static bool has_extension(const struct kind *kind, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < 2; i++) {
        size_t extension = strlen(kind->extensions[i]);
        if (length > extension && strcmp(name + length - extension, kind->extensions[i]) == 0)
            return true;
    }
    return false;
}

static bool visit_folder(const struct kind *kind, const char *folder,
                         bool (*visit)(const struct kind *kind, const char *path, void *context,
                                       struct mg_error *error),
                         void *context, struct mg_error *error)
{
    struct dirent **entries = NULL;
    /* In the order of names, so that a stamp of the same files is the same. */
    int count = scandir(folder, &entries, NULL, alphasort);
    if (count < 0)
        return fail_to_read(kind, folder, "the folder cannot be opened", error);
    bool visited = true;
    for (int i = 0; i < count; i++) {
        struct mg_buffer path = {0};
        if (visited && has_extension(kind, entries[i]->d_name)) {
            mg_buffer_print(&path, "%s/%s", folder, entries[i]->d_name);
            visited = visit(kind, path.data, context, error);
        }
        mg_buffer_free(&path);
        free(entries[i]);
    }
    free(entries);
    return visited;
}

/* Calls visit for the file at path, or for each fitting file of the folder at path. */
static bool visit_files(const struct kind *kind, const char *path,
                        bool (*visit)(const struct kind *kind, const char *path, void *context,
                                      struct mg_error *error),
                        void *context, struct mg_error *error)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return fail_to_read(kind, path, "there is no such file or folder, or no way to it", error);
    if (S_ISDIR(status.st_mode))
        return visit_folder(kind, path, visit, context, error);
    return visit(kind, path, context, error);
}

static bool read_file(const struct kind *kind, const char *path, void *stack,
                      struct mg_error *error)
{
    struct mg_buffer text = {.limit = FILE_LIMIT};
    const char *reason = NULL;
    if (mg_file_read(path, MG_FILE_PUBLIC, &text, &reason) == MG_FILE_READ) {
        BIO *pem = BIO_new_mem_buf(text.data, (int)text.length);
        if (!pem)
            mg_die("no memory to read PEM");
        ERR_clear_error();
        int before = OPENSSL_sk_num(stack);
        while (kind->take(pem, stack))
            ;
        /* At the end of the text OpenSSL finds no further beginning; all else is something broken.
         */
        reason = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE
                     ? OPENSSL_sk_num(stack) > before ? NULL : "there are none in PEM form in it"
                     : "its PEM form is damaged";
        BIO_free(pem);
    }
    mg_buffer_free(&text);
    ERR_clear_error();
    return !reason || fail_to_read(kind, path, reason, error);
}

static bool has_root(STACK_OF(X509) * certificates)
{
    for (int i = 0; i < sk_X509_num(certificates); i++)
        if (X509_self_signed(sk_X509_value(certificates, i), 1) == 1)
            return true;
    return false;
}

STACK_OF(X509) * mg_authorities_read(const char *path, struct mg_error *error)
{
    STACK_OF(X509) *certificates = sk_X509_new_null();
    if (!certificates)
        mg_die("no memory for authorities");
    bool complete = visit_files(&authority, path, read_file, certificates, error);
    if (complete && !has_root(certificates)) {
        mg_fail(error, "certificate.none",
                "There is no self-signed root among the trusted authorities, so that no "
                "certificate could ever be trusted. Add the root.");
        mg_error_at(error, "%s", path);
        complete = false;
    }
    ERR_clear_error();
    if (!complete) {
        sk_X509_pop_free(certificates, X509_free);
        certificates = NULL;
    }
    return certificates;
}

/* True if the issuer is unknown, or one of the authorities of its name has signed the list. OpenSSL
 * checks this again with each certificate; here it is found before the list is relied on. */
static bool is_genuine(X509_CRL *candidate, STACK_OF(X509) * authorities)
{
    bool known = false;
    for (int i = 0; i < sk_X509_num(authorities); i++) {
        X509 *issuer = sk_X509_value(authorities, i);
        if (X509_NAME_cmp(X509_get_subject_name(issuer), X509_CRL_get_issuer(candidate)) != 0)
            continue;
        known = true;
        EVP_PKEY *key = X509_get0_pubkey(issuer);
        if (key && X509_CRL_verify(candidate, key) == 1)
            return true;
    }
    return !known;
}

STACK_OF(X509_CRL) *
    mg_lists_read(const char *path, STACK_OF(X509) * authorities, struct mg_error *error)
{
    STACK_OF(X509_CRL) *lists = sk_X509_CRL_new_null();
    if (!lists)
        mg_die("no memory for revocation lists");
    bool complete = visit_files(&list, path, read_file, lists, error);
    if (complete && sk_X509_CRL_num(lists) == 0)
        complete = fail_to_read(&list, path, "the folder holds no file *.pem or *.crl", error);
    for (int i = 0; complete && i < sk_X509_CRL_num(lists); i++)
        if (!is_genuine(sk_X509_CRL_value(lists, i), authorities))
            complete = fail_to_read(&list, path, "one of them is not signed by its issuer", error);
    ERR_clear_error();
    if (!complete) {
        sk_X509_CRL_pop_free(lists, X509_CRL_free);
        lists = NULL;
    }
    return lists;
}

static bool stamp_file(const struct kind *kind, const char *path, void *context,
                       struct mg_error *error)
{
    EVP_MD_CTX *digest = context;
    struct stat status;
    if (stat(path, &status) != 0)
        return fail_to_read(kind, path, "a file vanished while it was looked at", error);
    /* The time of the last change of status cannot be set back by whoever replaces the file. */
    const int64_t facts[] = {
        (int64_t)status.st_dev,          (int64_t)status.st_ino,
        (int64_t)status.st_size,         (int64_t)status.st_mtim.tv_sec,
        (int64_t)status.st_mtim.tv_nsec, (int64_t)status.st_ctim.tv_sec,
        (int64_t)status.st_ctim.tv_nsec,
    };
    if (EVP_DigestUpdate(digest, path, strlen(path) + 1) != 1 ||
        EVP_DigestUpdate(digest, facts, sizeof facts) != 1)
        mg_die("no memory for a digest");
    return true;
}

bool mg_lists_stamp(const char *path, struct mg_stamp *stamp, struct mg_error *error)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    if (!digest || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1)
        mg_die("no memory for a digest");
    bool stamped = visit_files(&list, path, stamp_file, digest, error);
    if (EVP_DigestFinal_ex(digest, stamp->bytes, NULL) != 1)
        mg_die("no memory for a digest");
    EVP_MD_CTX_free(digest);
    return stamped;
}
