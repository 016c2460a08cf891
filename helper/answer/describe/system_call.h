// SPDX-License-Identifier: MIT
/** @file System calls of x86-64 by name. */
#ifndef RS_ANSWER_SYSTEM_CALL_H
#define RS_ANSWER_SYSTEM_CALL_H

/** @return The name of system call @p number; NULL: not known. Static. */
const char *rs_system_call_name(int number);

#endif /* RS_ANSWER_SYSTEM_CALL_H */
