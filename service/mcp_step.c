#include "service/mcp_step.h"

const char *const mcp_step_names[] = {"none", "eof", "term", "kill", "delete", "drop"};
