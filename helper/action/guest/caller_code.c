// SPDX-License-Identifier: MIT
#include "action/guest/caller.h"
#include "sandbox/guest/embed.h"

const char *const rs_caller_symbol[RS_CALLER_NUMBERS] = {
#define RS_CALLER_SYMBOL(name, symbol) symbol,
	RS_CALLER_FUNCTIONS(RS_CALLER_SYMBOL)
#undef RS_CALLER_SYMBOL
};

// RS_CALLER_BIN: what flat.cmake made; not there on other machines.
#ifdef RS_CALLER_BIN
RS_EMBED("rs_caller_code", RS_EMBED_FILE(RS_CALLER_BIN));
#else
RS_EMBED("rs_caller_code", "");
#endif
