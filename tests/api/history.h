/* A small shop's past: enough for popularity and the base rate, too little for more. */
#ifndef API_HISTORY_H
#define API_HISTORY_H

/* NDJSON events of February 2026: 120 visits of 60 shoppers, one visit in three buys. Static. */
const char *history_ndjson(void);

#endif
