#include "harness/engine/test/scenes.h"

int main(void)
{
	return scenes_run("process", 1);
}
