/*
 * confinement: what libxml2 may open.
 *
 * Nothing, with one exception: while a schema is compiled, the compiling thread may open regular
 * files inside the folder of that schema. libxml2 asks one function of the process about everything
 * that it wants to open by name, be it an import, an external entity, a DTD, or the document given
 * to xmlReadFile; once mg_confinement_begin was called that function is ours, and refuses. So
 * documents and configurations are read into memory first and parsed with xmlReadMemory or
 * xmlCtxtReadMemory, and an entity that slips past every other net still finds nothing that opens
 * it.
 */
#ifndef MUENGSTEN_TRUST_CONFINEMENT_H
#define MUENGSTEN_TRUST_CONFINEMENT_H

#include <stdbool.h>

/* From here to mg_confinement_end this thread may open files in this folder (a real path, borrowed)
 * and below. Does not nest. */
void mg_confinement_begin(const char *folder);

/* True if something was refused since mg_confinement_begin. */
bool mg_confinement_refused(void);

void mg_confinement_end(void);

#endif
