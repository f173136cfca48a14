#!/bin/sh
# The jobs of docs/ci, each run as its runner runs it (test/support/ci_runner.py), for the
# repository of examples/shop: unchanged they are green, with a stop that has become slower
# or less clean red, and reports and baseline are where they belong.
set -u
test=ci
. test/support/stopbench.sh
trap 'rm -rf "$work"' EXIT

if [ "$bin" != build/bin ]; then
	echo "skip ci: make installs build/bin, and the programs under test are in $bin"
	exit 0
fi
has_checker "YAML reader" python3 -c "import yaml" || exit $failed
export MAKEFLAGS=

shop() { # as it is on the main branch
	rm -rf "$work/shop"
	cp -r examples/shop "$work/shop"
	mkdir -p "$work/shop/.github/workflows" "$work/shop/ci"
	# What a person edits: fewer rounds, all at the same time.
	sed 's/^\( *\)scenarios: scenarios/&\n\1repeat: "8"\n\1options: --jobs 8/' \
		docs/ci/github/stopbench.yml >"$work/shop/.github/workflows/stopbench.yml"
	sed 's/STOPBENCH_REPEAT: .*/STOPBENCH_REPEAT: "8"/
		s/STOPBENCH_OPTIONS: .*/STOPBENCH_OPTIONS: --jobs 8/' \
		docs/ci/gitlab/.gitlab-ci.yml >"$work/shop/.gitlab-ci.yml"
	[ ! -e "$work/stopbench.deb" ] || cp "$work/stopbench.deb" "$work/shop/ci/"
}
slower() {
	sed -i 's/^LINGER_SECONDS = .*/LINGER_SECONDS = 1.5/' "$work/shop/shop.py"
}
less_clean() { # whether or not an order is in hand
	sed -i 's/^def stop(.*/&\n\tos._exit(3)/' "$work/shop/shop.py"
}

# A job; its number is in $runs, what it uploads in $work/artifacts.
runs=0
job() { # github|gitlab EVENT
	kind=$1
	runs=$((runs + 1))
	file=$work/shop/.gitlab-ci.yml
	[ "$kind" = gitlab ] || file=$work/shop/.github/workflows/stopbench.yml
	rm -rf "$work/artifacts" "$work/job" "$work/summary"
	: >"$work/errors"
	timeout 120 env -i PATH="$PATH" python3 test/support/ci_runner.py "$kind" "$file" \
		repository="$work/shop" stopbench="$PWD" workspace="$work/job" \
		caches="$work/caches.$kind" artifacts="$work/artifacts" summary="$work/summary" \
		event="$2" branch=main run="$runs" path="$path" >"$work/out" 2>&1
	code=$?
	reports=$work/artifacts/stopbench-reports
}
has_reports() {
	for report in results.json junit.xml summary.md report.html; do
		[ -s "$reports/$report" ] || return 1
	done
}

# --- GitHub ---

path=$PATH
shop
job github push
check "github: the first run of main is green" ends_with 0 \
	"There is no baseline yet" "1 case, 1 met" "the job is green"
check "github: and uploads the reports" has_reports
check "github: its summary says so" grep -q '^\*\*The one case stopped as expected' "$work/summary"
job github pull_request
check "github: a pull request that changes nothing is green" ends_with 0 \
	"0 regressions in 1 case compared"
check "github: and is no baseline" eval '[ "$(ls "$work/caches.github" | wc -l)" -eq 1 ]'
slower
job github pull_request
check "github: one that makes the stop slower is red" ends_with 1 \
	"1 regression in 1 case compared" "the job is red"
check "github: the annotation says so, at the scenario" says \
	"::error file=scenarios/stop.json,line=11,title=stop%3A regression::regression: slower by "
check "github: the summary, too" \
	grep -q '^\*\*The one case did not stop as expected\*\*: stop: .*slower by ' "$work/summary"
check "github: and JUnit's report" grep -q '<failure type="regression" message=".*slower by ' "$reports/junit.xml"
check "github: the reports are uploaded all the same" has_reports
job github push
check "github: merged it is red once more" ends_with 1 "1 regression"
job github pull_request
check "github: and what comes then is compared with that" ends_with 0 "0 regressions"
shop
less_clean
job github pull_request
check "github: a stop that is less clean is red" ends_with 1 "1 not met" "1 regression"
check "github: its folder is uploaded, too" eval 'ls "$reports"/failed/*/*/why.txt >/dev/null'
shop
echo '{' >"$work/shop/scenarios/broken.json"
job github push
check "github: a scenario with an error is red, and no baseline" eval 'ends_with 1 broken.json &&
	[ "$(ls "$work/caches.github" | wc -l)" -eq 2 ]'

# Both versions in turn. What is compared does not need the orders.
commit() {
	git -C "$work/shop" add . && git -C "$work/shop" -c user.name=shop \
		-c user.email=shop@example.com commit -qm "$1"
}
shop
sed -i '/"load":/d' "$work/shop/scenarios/stop.json"
sed -i 's/^\( *\)repeat: .*/\1against: HEAD~1/' "$work/shop/.github/workflows/stopbench.yml"
sed -i 's/^LINGER_SECONDS = .*/LINGER_SECONDS = 0.1/' "$work/shop/shop.py"
git -C "$work/shop" init -q
commit fast
sed -i 's/^LINGER_SECONDS = .*/LINGER_SECONDS = 0.6/' "$work/shop/shop.py"
commit slow
job github pull_request
check "github: against another commit a slower stop is red" ends_with 1 "1 regression in 1 case compared"
check "github: and there it was measured in turn" eval '! says "not made in turn"'

# --- GitLab ---

# Its job installs the package: into a root of its own.
has_checker "dpkg-dev, to make the package for GitLab's job" dpkg-shlibdeps --version || exit $failed
make --no-print-directory deb >"$work/out" 2>"$work/errors"
code=$?
check "gitlab: the package" ends_with 0 .deb
cp "$(tail -n 1 "$work/out")" "$work/stopbench.deb"
mkdir -p "$work/programs"
cat >"$work/programs/apt-get" <<END
#!/bin/sh
# Unpacks the last argument.
[ "\$1" = update ] || { for file; do :; done && dpkg-deb -x "\$file" "$work/root"; }
END
chmod +x "$work/programs/apt-get"
path=$work/programs:$work/root/usr/bin:$PATH

shop
job gitlab push
check "gitlab: the first run of main is green" ends_with 0 \
	"There is no baseline yet" "1 case, 1 met" "the job is green"
check "gitlab: and uploads the reports" has_reports
job gitlab pull_request
check "gitlab: a merge request that changes nothing is green" ends_with 0 \
	"0 regressions in 1 case compared"
slower
job gitlab pull_request
check "gitlab: one that makes the stop slower is red" ends_with 1 \
	"1 regression in 1 case compared" "the job is red"
check "gitlab: the reports are uploaded all the same" has_reports
check "gitlab: the code quality report says so" eval \
	'grep -q "slower by " "$reports/gitlab.json" && grep -q "check_name.*regression" "$reports/gitlab.json"'
check "gitlab: and is not the baseline" eval 'shop; job gitlab pull_request; ends_with 0 "0 regressions"'
less_clean
job gitlab pull_request
check "gitlab: a stop that is less clean is red" ends_with 1 "1 not met" "1 regression"
check "gitlab: its folder is uploaded, too" eval 'ls "$reports"/failed/*/*/why.txt >/dev/null'
exit $failed
