#!/bin/sh
# What a terminal shows while `stopbench run` runs: the rounds under way, their sessions and
# what is left of the grace; and where there is no terminal that could, none of it.
set -u
test=live-view
. test/support/stopbench.sh
trap 'rm -rf "$work"' EXIT
unset CI NO_COLOR
export TERM=xterm LC_ALL=C.UTF-8

command -v script >/dev/null || {
	echo "skip live view: there is no script(1)"
	exit 0
}
run="$bin/stopbench run --engine process --report $work/reports --set load.sessions=3
	--set service.env.DISCONNECT=none --half main history/10-before-and-after"
run=$(echo $run)

# On a terminal of 80 columns; all that it wrote goes to $work/out.
on_terminal() { # COMMAND
	timeout 60 script -qec "stty cols 80 rows 24; $1" /dev/null </dev/null >"$work/out" 2>&1
	code=$?
}

shows_live() {
	tr '\r' '\n' <"$work/out" | grep -q "$1"
}

on_terminal "$run"
check "the sessions and what is left of the grace are shown" \
	shows_live 'stopping [01]s, [12]s left, 3 sessions open'
check "with how many rounds are over" shows_live '^0 of 1 done'
check "the round's own line stays" says "history/10-before-and-after: killed"
check "and the results are printed once" eval '[ "$(grep -c "^CASE" "$work/out")" -eq 1 ]'

# In the midst of its stop, which is on the terminal then.
on_terminal "$run & until grep -q stopping $work/out; do sleep 0.05; done; kill -INT \$!; wait \$!"
check "an interrupted run says so" ends_with 3 "interrupted: 1 case is brought down"
check "and draws nothing from then on" eval \
	'! sed "1,/interrupted: 1 case/d" "$work/out" | grep -q " of 1 done"'

on_terminal "$bin/stopbench run --engine process --report $work/reports --half main \
	--try-cures kill/60-no-handler"
check "a rerun is told with its cure" shows_live 'kill/60-no-handler  with an init: stopping [0-9]s'

for plain in TERM=dumb CI=true; do
	on_terminal "$plain $run"
	check "$plain: no line is drawn again" eval \
		'! grep -q "$(printf "\033\\[[0-9]*[AJ]")" "$work/out" && says "history/10-before-and-after: killed"'
done
on_terminal "NO_COLOR=1 $run"
check "NO_COLOR: no color" eval '! grep -q "$(printf "\033\\[[0-9;]*m")" "$work/out"'
on_terminal "$run 2>$work/errors"
check "stderr in a file: nothing but lines" eval \
	'! grep -q "$(printf "\033")" "$work/errors" && grep -q "^\[1/1\] ok " "$work/errors"'
exit $failed
