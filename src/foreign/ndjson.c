/* Native events, one JSON object a record, ids as given: what the export of another Cartwright holds. */
#include "foreign/format.h"
#include "foreign/guess.h"

#include <string.h>

/* As it is: the decoder behind the sink says what is wrong, and a text that was not rewritten is the
 * same event in both logs. */
static bool ndjson_record(struct foreign_parser *p, const struct foreign_record *record,
                          struct err *err)
{
    bool valid = false;
    const char *looks = p->records == 0 ? foreign_guess(record->text, record->len) : NULL;
    /* Better here than as a million lines that are none. */
    if (looks != NULL && strcmp(looks, foreign_ndjson.name) != 0) {
        return FAIL(err, ERR_REFUSED, "is no event of ours; it looks like --format %s", looks);
    }
    p->records++;
    return p->out.sink.event(p->out.sink.ctx, record->text, record->len, record->number, &valid,
                             err);
}

const struct foreign_format foreign_ndjson = {
    .name = "ndjson",
    .currency = "",
    .record = ndjson_record,
};
