#ifndef CRASH_SEED_MODEL_H
#define CRASH_SEED_MODEL_H

/* Imports three weeks of seeded history and trains the risk model on it, which makes a base rate:
 * without a model nobody is written to. */
void seed_risk_model(const char *database_url);

#endif
