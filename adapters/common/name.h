/*
 * name: the names of files that bring messages, wherever the folder is, and of what is written
 * beside them: NAME.receipt.xml, NAME.reason.json, and NAME.2, NAME.3, … for files of the same
 * name. Names that are longer than MG_NAME_LONGEST are cut. Pure.
 */
#ifndef MUENGSTEN_ADAPTERS_NAME_H
#define MUENGSTEN_ADAPTERS_NAME_H

#include <stdbool.h>

#define MG_NAME_LONGEST 200 /* bytes, so that the names of receipts and reasons fit too */
#define MG_NAME_SIZE    (MG_NAME_LONGEST + 32)

/* True for names that are picked up: *.xml and *.xml.gz, none with a dot in front, and no path. */
bool mg_name_is_wanted(const char *name);
/* True for *.xml.gz. */
bool mg_name_is_packed(const char *name);

/* NAME itself for 1, NAME.2 for 2, and so on. */
void mg_name_number(const char *name, int number, char numbered[MG_NAME_SIZE]);
void mg_name_receipt(const char *name, char receipt[MG_NAME_SIZE]);
/* The name may be numbered. */
void mg_name_reason(const char *name, char reason[MG_NAME_SIZE]);

#endif
