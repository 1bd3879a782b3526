/*
 * xml_words: how many different words a document has libxml2 remember.
 *
 * The dictionary of libxml2 2.9, where names, namespaces and the white space between tags go, never
 * has more than 768 lists: with 600,000 different names, which fit into 8 MB, it takes 20 seconds.
 * No standard has as many as are admitted here.
 */
#ifndef MUENGSTEN_MESSAGE_XML_WORDS_H
#define MUENGSTEN_MESSAGE_XML_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* So many words may be the same or different: they are not even looked at. */
#define MG_XML_WORDS_FREE 8192
/* Of those after them, so many may be different. */
#define MG_XML_WORDS_MOST 8192

struct mg_xml_words;

/* None yet. */
struct mg_xml_words *mg_xml_words_new(void);
void mg_xml_words_free(struct mg_xml_words *words);

/* Notes a word, which has to stay where it is. False if there are too many different ones. */
bool mg_xml_words_add(struct mg_xml_words *words, const char *text, size_t length);

#endif
