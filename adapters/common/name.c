#include "adapters/common/name.h"

#include <stdio.h>
#include <string.h>

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), tail = strlen(end);
    return length > tail && strcmp(name + length - tail, end) == 0;
}

bool mg_name_is_packed(const char *name)
{
    return ends_with(name, ".xml.gz");
}

bool mg_name_is_wanted(const char *name)
{
    return name[0] != '.' && !strchr(name, '/') &&
           (ends_with(name, ".xml") || mg_name_is_packed(name));
}

void mg_name_number(const char *name, int number, char numbered[MG_NAME_SIZE])
{
    if (number == 1)
        snprintf(numbered, MG_NAME_SIZE, "%.*s", MG_NAME_LONGEST, name);
    else
        snprintf(numbered, MG_NAME_SIZE, "%.*s.%d", MG_NAME_LONGEST, name, number);
}

void mg_name_receipt(const char *name, char receipt[MG_NAME_SIZE])
{
    snprintf(receipt, MG_NAME_SIZE, "%.*s.receipt.xml", MG_NAME_LONGEST, name);
}

void mg_name_reason(const char *name, char reason[MG_NAME_SIZE])
{
    snprintf(reason, MG_NAME_SIZE, "%.*s.reason.json", MG_NAME_LONGEST + 12, name);
}
