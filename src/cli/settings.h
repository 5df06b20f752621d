#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "base/config.h"

/* What the table of settings cannot check, because it takes knowledge of shops: whether messages are
 * written in the language, and whether the shop's address can be linked to. */
CAN_FAIL bool settings_check(const struct config *config, struct err *err);

#endif
