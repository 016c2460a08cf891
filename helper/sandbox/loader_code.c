// SPDX-License-Identifier: MIT
#include "sandbox/guest/embed.h"

RS_EMBED("rs_loader_code", RS_EMBED_FILE(RS_LOADER_BIN)); // of flat.cmake
