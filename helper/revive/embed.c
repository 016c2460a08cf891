// SPDX-License-Identifier: MIT
#include "probe/embed.h"

RS_EMBED("rs_loader_code", RS_EMBED_FILE(RS_LOADER_BIN)); // of flat.cmake
