/* Where the cities are: what operators see on their map. */
#include "gateway/config/reader.h"

#include <stdlib.h>
#include <string.h>

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* Degrees as both people and JSON write them: "51.2562", "-7"; at most six decimal places. */
static bool is_degrees(const char *text, long limit)
{
    if (*text == '-')
        text++;
    size_t whole = digits(text);
    if (whole < 1 || whole > 3 || (whole > 1 && *text == '0'))
        return false;
    long degrees = strtol(text, NULL, 10);
    text += whole;
    if (*text == '\0')
        return degrees <= limit;
    size_t places = *text == '.' ? digits(text + 1) : 0;
    return places >= 1 && places <= 6 && text[1 + places] == '\0' &&
           (degrees < limit || (degrees == limit && strspn(text + 1, "0") == places));
}

static const char *read_degrees(struct mg_reader *reader, const xmlNode *element,
                                const char *attribute, long limit)
{
    const char *text = mg_reader_text_or(reader, element, attribute, "0");
    if (is_degrees(text, limit))
        return text;
    mg_reader_problem(reader, element, false,
                      "%s=\"%.40s\" is no number of degrees from -%ld to %ld such as 51.256 or -7",
                      attribute, text, limit, limit);
    return "0";
}

void mg_read_sites(struct mg_reader *reader)
{
    struct mg_config *config = reader->config;
    size_t most = mg_reader_count(reader, "place");
    config->sites = mg_arena_allocate(reader->arena, most, sizeof *config->sites);
    mg_names_start(&reader->snapshot->sites, reader->arena, most);
    struct mg_cursor cursor = {0};
    for (xmlNode *element; (element = mg_reader_next(reader, "place", &cursor));) {
        struct mg_config_site *site = &config->sites[config->site_count];
        site->place = mg_reader_place(reader, element);
        site->name = mg_reader_text_or(reader, element, "name", "");
        site->title = mg_reader_text_or(reader, element, "title", "");
        site->latitude = read_degrees(reader, element, "latitude", 90);
        site->longitude = read_degrees(reader, element, "longitude", 180);
        site->authorities = mg_reader_words(reader, element, "authorities", &site->authority_count);
        mg_names_add(&reader->snapshot->sites, site->name, &site->place, config->site_count++);
    }
    mg_reader_finish_names(reader, "place", &reader->snapshot->sites);
}

const struct mg_config_site *mg_read_site(struct mg_reader *reader, const xmlNode *element)
{
    const struct mg_names *sites = &reader->snapshot->sites;
    const char *name = mg_reader_text(reader, element, "place");
    size_t index = name ? mg_names_find(sites, name) : MG_NAME_UNKNOWN;
    if (name && index == MG_NAME_UNKNOWN)
        mg_reader_unknown(reader, element, "place", name, sites);
    return index == MG_NAME_UNKNOWN ? NULL : &reader->config->sites[index];
}
