#include "base/address.h"

#include <stdlib.h>
#include <string.h>

enum { PORT_TOP = 65535 };

CAN_FAIL bool address_split(const char *text, struct address *out, struct err *err)
{
    const char *host = text;
    /* the last one: an IPv6 address has more of them */
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : 0;

    if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
        host++;
        len -= 2;
    } else if (colon != NULL && memchr(text, ':', len) != NULL) {
        len = 0; /* an IPv6 address without its brackets */
    }
    size_t port_len = colon ? strlen(colon + 1) : 0;
    /* Digits alone, and their value: the C library takes 99999 and binds what is left of it in 16
     * bits. */
    if (len == 0 || len >= ADDRESS_HOST_MAX || port_len == 0 || port_len >= ADDRESS_PORT_MAX ||
        strspn(colon + 1, "0123456789") != port_len || strtol(colon + 1, NULL, 10) > PORT_TOP) {
        return FAIL(err, ERR_INVALID,
                    "must be HOST:PORT with a port from 0 to 65535, not \"%.40s\"", text);
    }
    *out = (struct address){{0}, {0}};
    memcpy(out->host, host, len);
    memcpy(out->port, colon + 1, port_len);
    return true;
}
