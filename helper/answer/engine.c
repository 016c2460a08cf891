// SPDX-License-Identifier: MIT
#include "refscope/engine.h"

#include <stdlib.h>

void rs_text_free(char *text)
{
	free(text);
}
