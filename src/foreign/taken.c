/* What orders are taken without. What becomes of it is the decoder's business. */
#include "foreign/taken.h"

#include <stdio.h>
#include <string.h>

enum { NEVER_LINES = 10 }; /* so many by chance nobody has */

static void keep(char to[FOREIGN_COLUMN_NAME_MAX], const char *text)
{
    (void)snprintf(to, FOREIGN_COLUMN_NAME_MAX, "%s", text);
}

/* NULL: there is no room for another. */
static struct foreign_column *column_of(struct foreign_parser *p)
{
    for (size_t i = 0; i < p->column_count; i++) {
        if (strncmp(p->columns[i].name, p->field, FOREIGN_COLUMN_NAME_MAX - 1) == 0) {
            return &p->columns[i];
        }
    }
    if (p->column_count == FOREIGN_COLUMNS_MAX) {
        return NULL;
    }
    struct foreign_column *c = &p->columns[p->column_count++];
    *c = (struct foreign_column){.lines = 0};
    keep(c->name, p->field);
    return c;
}

static void count(struct foreign_parser *p, bool read, const char *text)
{
    struct foreign_column *c = column_of(p);
    if (c == NULL) {
        return;
    }
    c->lines++;
    if (!read && c->unread++ == 0) {
        keep(c->first, text);
    }
}

bool taken_value(struct foreign_parser *p, bool read, enum event_type type, const char *text,
                 const char **out_unread, struct err *err)
{
    if (type == EVENT_PURCHASE && text[0] != '\0') {
        count(p, read, text);
    }
    return read || native_goes_on(type, text, out_unread, err);
}

const struct foreign_column *taken_never(const struct foreign_parser *p)
{
    for (size_t i = 0; i < p->column_count; i++) {
        const struct foreign_column *c = &p->columns[i];
        if (c->lines >= NEVER_LINES && c->unread == c->lines) {
            return c;
        }
    }
    return NULL;
}
