/* Features to rows of the learner. Nothing here knows weights. */
#include "domain/risk/risk_encode.h"

#include <math.h>
#include <string.h>

/* 0 is missing, so no text may be it. */
static uint64_t id_of(const char *text)
{
    uint64_t h = text ? hash_fnv64(text, strlen(text)) : 0;
    return text && h == 0 ? 1 : h;
}

struct risk_example risk_flatten(const struct features *x)
{
    struct risk_example out;
    for (int f = 0; f < FEATURE_COUNT; f++) {
        /* every cell is set by one of the two, so out needs no zeros */
        if (feature_def((enum feature_id)f)->kind == FEATURE_ID) {
            out.cells[f].id = id_of(x->ids[f]);
        } else {
            out.cells[f].number = isfinite(x->values[f]) ? x->values[f] : (double)NAN;
        }
    }
    return out;
}

double risk_value(const struct risk_example *x, enum feature_id f)
{
    if (feature_def(f)->kind == FEATURE_ID) { /* as many bits as a double holds exactly */
        return x->cells[f].id == 0 ? RISK_MISSING : (double)(x->cells[f].id >> 11);
    }
    return isnan(x->cells[f].number) ? RISK_MISSING : x->cells[f].number;
}

void risk_kinds(uint8_t out[FEATURE_COUNT])
{
    for (int f = 0; f < FEATURE_COUNT; f++) {
        bool id = feature_def((enum feature_id)f)->kind == FEATURE_ID;
        out[f] = id ? LEARNER_ID : LEARNER_NUMBER;
    }
}

double risk_position(const struct risk_example *x)
{
    double minutes = x->cells[FEATURE_IDLE].number;
    /* 0 for NaN, too, which the comparison is false for */
    return minutes > 0 ? log2(1 + 2 * minutes) : 0;
}

void risk_schema(uint8_t out[SHA256_BYTES])
{
    static const char layout[] = "risk rows, version 4: numbers as they are, ids by FNV-64";
    struct hash_state h;
    hash_begin(&h);
    hash_add(&h, layout, sizeof layout);
    for (int f = 0; f < FEATURE_COUNT; f++) {
        const struct feature_def *def = feature_def((enum feature_id)f);
        const uint8_t kind = (uint8_t)def->kind;
        /* Not group and meaning: they change what is said, not what a number means. */
        hash_add(&h, def->name, strlen(def->name) + 1);
        hash_add(&h, def->unit, strlen(def->unit) + 1);
        hash_add(&h, &kind, sizeof kind);
    }
    hash_end(&h, out);
}
