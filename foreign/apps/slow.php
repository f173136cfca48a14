<?php
// A minute of work, which no signal cuts short.
file_put_contents('php://stderr', "php: request\n");
for ($until = time() + 60; time() < $until;)
	usleep(10000);
echo '{}';
