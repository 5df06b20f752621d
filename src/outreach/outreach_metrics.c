#include "outreach/outreach_metrics.h"

#include "base/metric.h"
#include "domain/speak/policy.h"

#include <stdatomic.h>
#include <string.h>

enum { SILENCE, SEND, DECISIONS };
static const char *const decision_names[DECISIONS] = {"silence", "send"};

static atomic_uint_fast64_t counts[DECISIONS][RULE_COUNT];

void outreach_metrics_count(bool send, const char *rule)
{
    for (int i = 0; i < RULE_COUNT; i++) {
        if (strcmp(rule, rule_name((enum rule_id)i)) == 0) {
            atomic_fetch_add_explicit(&counts[send ? SEND : SILENCE][i], 1, memory_order_relaxed);
        }
    }
}

void outreach_metrics_render(struct buf *out)
{
    static const char name[] = "cartwright_outreach_decisions_total";

    metric_write_family(out, name, "counter",
                        "Outreach decisions by the rule that decided, dry runs left out.");
    for (int d = 0; d < DECISIONS; d++) {
        for (int i = 0; i < RULE_COUNT; i++) {
            const struct metric_label labels[] = {{"decision", decision_names[d]},
                                                  {"reason", rule_name((enum rule_id)i)}};
            uint64_t n = atomic_load_explicit(&counts[d][i], memory_order_relaxed);
            metric_write_row(out, name, labels, sizeof labels / sizeof *labels, (double)n);
        }
    }
}
