// SPDX-License-Identifier: MIT
//
// What a test of the sandbox is on a machine that has none.
#include "rs_check.h"

int main(void)
{
	return rs_ck_skip("the sandbox exists on x86-64 only");
}
