// SPDX-License-Identifier: MIT
#include "probe/embed.h"

// RS_PROBE_BIN: what flat.cmake made; not there on other machines.
#ifdef RS_PROBE_BIN
RS_EMBED("rs_probe_code", RS_EMBED_FILE(RS_PROBE_BIN));
#else
RS_EMBED("rs_probe_code", "");
#endif
