#include "domain/shopper/crawler.h"

#include "support/spec.h"

#include <stdio.h>

static const char *const programs[] = {
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; Google-InspectionTool/1.0;)",
    "Mozilla/5.0 (Linux; Android 7.0) AppleWebKit/537.36 Chrome/125 Mobile Safari/537.36 (compatible; Google-Read-Aloud)",
    "python-httpx/0.27.0",
    "Python-urllib/3.11",
    "python-requests/2.31",
    "aiohttp/3.9",
    "node-fetch/1.0",
    "node",
    "axios/1.6.2",
    "Go-http-client/2.0",
    "GuzzleHttp/7",
    "PostmanRuntime/7.32",
    "curl/8.5.0",
    "Wget/1.21",
    "Java/17.0.1",
    "Apache-HttpClient/4.5",
    "facebookexternalhit/1.1",
    "Mozilla/5.0 (compatible; Site24x7)",
    "NewRelicPinger/1.0",
    "Pingdom.com_bot_version_1.4",
    "Mozilla/5.0+(compatible; UptimeRobot/2.0)",
    "ELB-HealthChecker/2.0",
    "DatadogSynthetics",
    "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120.0.0.0 Safari/537.36",
    "SomeShop-Crawler",
    "meta-externalagent/1.1",
    "Mozilla/5.0 {adbeat.com|screens}", /* a word begins behind what is no letter */
};

static const char *const people[] = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36 Edg/125.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 Version/26.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 12; CUBOT_P50) AppleWebKit/537.36 Chrome/110.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2) AppleWebKit/605.1.15 Mobile/15E148 NAVER(inapp; search; 2000; 12.3.6; 14PRO)",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) Mobile/15E148 Instagram 300.0 (iPhone14,5; iOS 17_0; scale=3.00)",
    "Mozilla/5.0 (iPhone) Mobile/15E148 [FBAN/FBIOS;FBAV/420.0;FBDV/iPhone12,1]",
    "Mozilla/5.0 (Linux; Android 9; KFMAWI) Silk/108.4.6 like Chrome/108.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 13) MicroMessenger/8.0.42 NetType/WIFI",
    "OurShop/3.2 CFNetwork/1485 Darwin/23.1.0",
    "OurShop/1.0 (com.example.shop; build:3; iOS 17.0.0) Alamofire/5.8.1",
    "okhttp/4.12.0",
    "Dalvik/2.1.0 (Linux; U; Android 13; SM-S911B Build/TP1A)",
    "WhatsApp/2.23.20.0",
    "",
};

static void programs_are_known_by_how_they_name_themselves(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(programs); i++) {
        if (!crawler_agent(programs[i])) {
            fail_msg("taken for a person: %s", programs[i]);
        }
    }
}

static void telephones_and_apps_are_people(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(people); i++) {
        if (crawler_agent(people[i])) {
            fail_msg("taken for a program: %s", people[i]);
        }
    }
}

static const struct {
    const char *name;
    bool first;
} table[] = {
#define CRAWLER(name, first) {(name), (first)},
#include "domain/shopper/crawler_table.inc"
#undef CRAWLER
};

static void every_name_of_the_table_is_found_where_a_word_begins(void **state)
{
    char agent[400];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        assert_true(i == 0 || strcmp(table[i - 1].name, table[i].name) < 0);
        (void)snprintf(agent, sizeof agent, "%s/9", table[i].name);
        assert_true(crawler_agent(agent));
        (void)snprintf(agent, sizeof agent, "Mozilla/5.0 (%s)", table[i].name);
        assert_int_equal(crawler_agent(agent), !table[i].first);
        (void)snprintf(agent, sizeof agent, "Mozilla/5.0 (x%s)", table[i].name);
        /* a name may hold another one behind a blank or a hyphen, and is found by that */
        if (strpbrk(table[i].name, " -_.,:/()+&'") == NULL) {
            assert_false(crawler_agent(agent));
        }
    }
}

/* Of a name as long as somebody likes only the beginning is looked at. */
static void what_lies_far_behind_is_not_looked_at(void **state)
{
    enum { LONG = 5000 };
    char agent[LONG + 1];
    (void)state;

    memset(agent, 'x', LONG);
    agent[LONG] = '\0';
    memcpy(agent + LONG - 14, " Googlebot/2.1", 14);
    assert_false(crawler_agent(agent));
    memcpy(agent + 200, " Googlebot/2.1 ", 15);
    assert_true(crawler_agent(agent));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_are_known_by_how_they_name_themselves),
        cmocka_unit_test(telephones_and_apps_are_people),
        cmocka_unit_test(what_lies_far_behind_is_not_looked_at),
        cmocka_unit_test(every_name_of_the_table_is_found_where_a_word_begins),
    };
    return cmocka_run_group_tests_name("crawlers", tests, NULL, NULL);
}
