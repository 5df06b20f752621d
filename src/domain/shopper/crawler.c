/* Which user agents are no people. */
#include "domain/shopper/crawler.h"

#include <stddef.h>
#include <string.h>

enum { AGENT_MAX = 300 }; /* of what is looked at; events keep no more (EVENT_CONTEXT_MAX) */

/* Words that browsers of people do not have, wherever they stand; in small letters. An address is what crawlers
 * give so that they can be complained of. */
static const char *const words[] = {
    "crawl",
    "spider",
    "slurp",
    "headless",
    "phantomjs",
    "puppeteer",
    "playwright",
    "selenium",
    "lighthouse",
    "scrape",
    "scrapy",
    "libwww",
    "httpclient",
    "http-client",
    "http client",
    "feedfetch",
    "pingdom",
    "24x7",
    "synthetic",
    "uptime",
    "pinger",
    "monitoring",
    "linkcheck",
    "validator",
    "inspection",
    "read-aloud",
    "java/",
    "wget",
    "curl/",
    "://",
    "guzzle",
    "faraday",
    "postman",
    "insomnia/",
    "undici",
    "reqwest",
    "restsharp",
    "typhoeus",
    "kube-probe",
    "healthcheck",
    "googlehc",
    "betterstack",
    "blackbox-exporter",
};

/* What runtimes call themselves where their program says nothing: at the beginning only. */
static const char *const runtimes[] = {"node", "deno/", "bun/", "ruby", "k6/", "perl", "php/"};

struct crawler {
    const char *name; /* in small letters */
    size_t len;
    bool first; /* stands at the beginning, or it is a part of somebody else */
};

static const struct crawler crawlers[] = {
#define CRAWLER(name, first) {(name), sizeof(name) - 1, (first)},
#include "domain/shopper/crawler_table.inc"
#undef CRAWLER
};
enum { CRAWLERS = sizeof crawlers / sizeof crawlers[0] };

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* "bot" as in Googlebot and bingbot, but not as in the telephones of CUBOT. */
static bool says_bot(const char *agent)
{
    for (const char *at = agent; (at = strstr(at, "bot")) != NULL; at++) {
        if (at - agent < 2 || strncmp(at - 2, "cu", 2) != 0) {
            return true;
        }
    }
    return false;
}

static bool says_word(const char *agent)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strstr(agent, words[i]) != NULL) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof runtimes / sizeof runtimes[0]; i++) {
        if (strncmp(agent, runtimes[i], strlen(runtimes[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* Index of the first name that does not begin before c. */
static size_t names_from(char c)
{
    size_t low = 0;
    size_t high = CRAWLERS;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (crawlers[middle].name[0] < c) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_named_at(const char *word, bool first)
{
    for (size_t i = names_from(word[0]); i < CRAWLERS && crawlers[i].name[0] == word[0]; i++) {
        const struct crawler *known = &crawlers[i];
        if (known->name[1] == word[1] && (first || !known->first) &&
            strncmp(word, known->name, known->len) == 0) {
            return true;
        }
    }
    return false;
}

/* At the beginning of a word only: "ONE/" is not "phone/". */
static bool is_named(const char *agent)
{
    for (const char *at = agent; *at != '\0'; at++) {
        if (is_letter(*at) && (at == agent || !is_letter(at[-1])) && is_named_at(at, at == agent)) {
            return true;
        }
    }
    return false;
}

bool crawler_agent(const char *user_agent)
{
    char agent[AGENT_MAX + 1];
    size_t len = 0;

    for (; len < AGENT_MAX && user_agent[len] != '\0'; len++) {
        char c = user_agent[len];
        agent[len] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    agent[len] = '\0';
    return says_word(agent) || says_bot(agent) || is_named(agent);
}
