/* Which user agents are no people. */
#include "domain/shopper/crawler.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Words that browsers of people do not have, whatever the case. */
static const char *const words[] = {
    "crawl",          "spider",         "slurp",          "headless",    "phantomjs",
    "puppeteer",      "playwright",     "selenium",       "lighthouse",  "python-requests",
    "python-urllib",  "aiohttp",        "scrapy",         "curl/",       "wget",
    "go-http-client", "libwww",         "httpclient",     "java/",       "facebookexternalhit",
    "mediapartners",  "bingpreview",    "google favicon", "feedfetcher", "pingdom",
    "uptimerobot",    "postmanruntime",
};

/* "bot" as in Googlebot and bingbot, but not as in the telephones of CUBOT. */
static bool says_bot(const char *agent)
{
    for (const char *at = agent; (at = strcasestr(at, "bot")) != NULL; at++) {
        if (at - agent < 2 || strncasecmp(at - 2, "cu", 2) != 0) {
            return true;
        }
    }
    return false;
}

bool crawler_agent(const char *user_agent)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasestr(user_agent, words[i]) != NULL) {
            return true;
        }
    }
    return says_bot(user_agent);
}
