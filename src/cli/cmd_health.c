/* cartwright health: asks GET /readyz, for the health check of a container that has no curl. */
#include "base/buf.h"
#include "cli/cli.h"
#include "cli/options.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

enum { URL_MAX = 600, ANSWER_MAX = 64 * 1024 };
#define TIMEOUT_MS 3000L

#define NOBODY_THERE "; is `cartwright serve` running, and does it listen there (--url)?"

static size_t keep(char *bytes, size_t size, size_t count, void *out)
{
    buf_add(out, bytes, size * count);
    /* any other number makes libcurl give up: an answer this long is none of ours */
    return buf_ok(out) ? size * count : 0;
}

/* The address that was listened on, as a client of the same machine reaches it. */
static void url_of(const struct config *config, char out[URL_MAX])
{
    const char *colon = strrchr(config->listen, ':');
    /* the wildcard is an address to listen on, not one to connect to */
    bool any =
        strncmp(config->listen, "0.0.0.0:", 8) == 0 || strncmp(config->listen, "[::]:", 5) == 0;

    (void)snprintf(out, URL_MAX, "http://%s%s", any ? "127.0.0.1" : config->listen,
                   any && colon != NULL ? colon : "");
}

static int ask(const char *base)
{
    char url[URL_MAX + 16];
    struct buf answer = buf_make(ANSWER_MAX);
    long status = 0;
    CURL *curl = curl_easy_init();

    (void)snprintf(url, sizeof url, "%s/readyz", base);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    /* without it libcurl may time a look-up of the name out by SIGALRM */
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    /* no proxy, whatever http_proxy says: it would ask its own loopback */
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    CURLcode code = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    /* an answer is not enough: 503 says that it drains, or has no database */
    bool ready = code == CURLE_OK && status == 200;
    if (code == CURLE_OK) {
        (void)fprintf(ready ? stdout : stderr, "%s\n", buf_text(&answer));
    } else {
        (void)fprintf(stderr, "cartwright health: %s: %s%s\n", url, curl_easy_strerror(code),
                      code == CURLE_COULDNT_CONNECT ? NOBODY_THERE : "");
    }
    curl_easy_cleanup(curl);
    buf_free(&answer);
    return ready ? EXIT_DONE : EXIT_FAILED;
}

int cmd_health(int argc, char **argv, const struct config *config)
{
    static const char usage[] =
        "health [--url http://HOST:PORT]\n\nAsks a running server whether it "
        "is ready. Without --url: the one of the setting \"listen\".";
    char own[URL_MAX];
    const char *url = own;
    const struct option_row rows[] = {{.name = "url", .text = &url}, {0}};
    struct call call = {.command = "health", .usage = usage};

    url_of(config, own);
    if (!call_read(&call, argc, argv, rows)) {
        return call.exit_code;
    }
    if (call.word_count != 0 || strlen(url) >= URL_MAX) {
        return call_misuse(&call,
                           "it takes an address of less than 600 bytes as --url, and no words");
    }
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    int exit_code = ask(url);
    curl_global_cleanup();
    return exit_code;
}
