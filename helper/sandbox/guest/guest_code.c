// SPDX-License-Identifier: MIT
#include "sandbox/guest/embed.h"

// RS_GUEST_BIN: what flat.cmake made; not there on other machines.
#ifdef RS_GUEST_BIN
RS_EMBED("rs_guest_code", RS_EMBED_FILE(RS_GUEST_BIN));
#else
RS_EMBED("rs_guest_code", "");
#endif
