#include "http/wire/host.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { IPV4_TEXT_MAX = 16 };
static const char separators[] = ", ";

static bool is_word(const char *name, size_t len, const char *word, size_t word_len)
{
    return len == word_len && strncasecmp(name, word, len) == 0;
}

static bool is_loopback(const char *name, size_t len)
{
    char text[IPV4_TEXT_MAX];
    struct in_addr v4;

    if (is_word(name, len, "localhost", strlen("localhost")) || is_word(name, len, "[::1]", 5)) {
        return true;
    }
    if (len >= sizeof text) {
        return false;
    }
    memcpy(text, name, len);
    text[len] = '\0';
    /* all of 127.0.0.0/8, and nothing that only begins so (127.0.0.1.example) */
    return inet_pton(AF_INET, text, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

bool host_is_local(const char *host, const char *more)
{
    /* a colon parts the port, but for those within the brackets of an IPv6 address */
    size_t address = host[0] == '[' ? strcspn(host, "]") : 0;
    size_t len = address + strcspn(host + address, ":");

    if (is_loopback(host, len)) {
        return true;
    }
    while (*more) {
        size_t word = strcspn(more, separators);
        if (word > 0 && is_word(host, len, more, word)) {
            return true;
        }
        more += word;
        more += strspn(more, separators);
    }
    return false;
}
