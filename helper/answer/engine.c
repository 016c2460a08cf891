// SPDX-License-Identifier: MIT
#include "refscope/engine.h"

#include <stdlib.h>

const char *rs_engine_version(void)
{
	return RS_VERSION;
}

void rs_text_free(char *text)
{
	free(text);
}
