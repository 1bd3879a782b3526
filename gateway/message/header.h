/*
 * header: the facts of a message that routing and receipts need (Nachrichtenkopf).
 *
 * A plain value without pointers, so that it can be copied, stored and handed between threads.
 */
#ifndef MUENGSTEN_MESSAGE_HEADER_H
#define MUENGSTEN_MESSAGE_HEADER_H

/* An authority (Behörde): author or reader of messages. */
struct mg_authority {
    char directory[32]; /* the directory the id is from, such as "DVDV"; may be empty */
    char id[128];       /* prefix:key (Behördenkennung) */
    char name[256];     /* of the organisation; may be empty. Not for logs. */
};

struct mg_header {
    char uuid[64];         /* the sender's message UUID, lower case */
    char type_list[256];   /* URI of the code list of message types */
    char type_version[32]; /* version of that list; may be empty */
    char type_code[64];    /* such as "0401" */
    char type_name[128];   /* such as "kommunal.Initiieren.0401"; may be empty */
    char created[40];      /* xs:dateTime as the sender wrote it */
    struct mg_authority author;
    struct mg_authority reader;
};

#endif
