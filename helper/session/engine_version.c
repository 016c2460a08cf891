// SPDX-License-Identifier: MIT
#include "refscope/engine.h"

const char *rs_engine_version(void)
{
	return RS_VERSION;
}

int rs_engine_abi(void)
{
	return RS_ENGINE_ABI;
}
