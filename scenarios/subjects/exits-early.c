/*
 * exits-early - is ready, and ends with exit code 3 before anybody stops it.
 */
#include <stdio.h>

int main(void)
{
	puts("ready");
	return 3;
}
