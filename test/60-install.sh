#!/bin/sh
# `make install`: what it puts where, that it works from anywhere, as anybody, and that
# `make uninstall` leaves nothing; the pages of the manual, the completions, the package.
set -u
test=install
. test/support/stopbench.sh
trap 'rm -rf "$work"' EXIT

if [ "$bin" != build/bin ]; then
	echo "skip install: make installs build/bin, and the programs under test are in $bin"
	exit 0
fi
export MAKEFLAGS=
here=$PWD
prefix=$work/root/usr/local

# Everything else runs there.
install() { # TARGET
	make --no-print-directory "$1" DESTDIR="$work/root" >"$work/out" 2>"$work/errors"
	code=$?
}

# A command from a folder of its own.
anywhere() { # PROGRAM ARGUMENT...
	program=$1
	shift
	mkdir -p "$work/elsewhere"
	(cd "$work/elsewhere" && timeout 60 "$prefix/bin/$program" "$@") \
		>"$work/out" 2>"$work/errors" </dev/null
	code=$?
}

install install
check "make install" ends_with 0
anywhere stopbench --version
check "the version is that of lib/version.h" ends_with 0 \
	"stopbench $(sed -n 's/^#define STOPBENCH_VERSION "\(.*\)"/\1/p' lib/version.h)"
version=$(sed -n 's/.*STOPBENCH_VERSION "\(.*\)"/\1/p' lib/version.h)
check "which the changelog has" grep -q "^## $version - " CHANGELOG.md

anywhere stopbench -V
check "which -V prints as well" ends_with 0 "stopbench $version"
anywhere stopbench --nonsense
check "an option that there is not is bad usage" ends_with 2 "unrecognized option"
anywhere stopbench list
check "the scenarios that came with it are listed" ends_with 0 "kill/60-no-handler (2 cases)"
anywhere stopbench run --engine process --filter no-handler kill baseline/10-idle.json
check "and run by name" ends_with 0 "2 cases, 2 met" "Results: reports/results.json"
check "the report is where it was run" test -s "$work/elsewhere/reports/results.json"
anywhere stopbench validate scenarios/nowhere
check "one that is nowhere is said to be in neither place" \
	ends_with 2 "scenarios/nowhere.json" "here and in $prefix/share/stopbench"
anywhere stopbench validate
check "without a path it is the folder's own that are checked, or none" \
	ends_with 2 "there is no folder ./scenarios"
mkdir "$work/empty"
anywhere stopbench validate "$work/empty"
check "a folder without any is named" ends_with 2 "no scenario in $work/empty" "1 error"
anywhere stopbench try --grace 1s -- mock-agent --port 0
check "its programs are found" ends_with 0 "mock-agent clean"
anywhere mock-mcp --name x
check "mock-mcp is a command" ends_with 0 '"name":"x"'

if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod -R a+rX "$work"
	mkdir -m 777 "$work/nobody's"
	(cd "$work/nobody's" && TMPDIR="$work/nobody's" timeout 60 setpriv --reuid=65534 \
		--regid=65534 --clear-groups "$prefix/bin/stopbench" run kill/60-no-handler \
		--engine process) >"$work/out" 2>"$work/errors"
	code=$?
	# Where there is no user namespace for anybody it says so.
	check "who is not root runs it, or is told what is missing" eval \
		'ends_with 0 "2 met" || ends_with 3 "run as root, allow user namespaces"'
fi

# --- the manual ---

has_man() {
	command -v man >/dev/null && command -v groff >/dev/null
}

pages=$(cd "$prefix/share/man/man1" && echo *)
check "there is a page for each command" eval '[ "$(echo $pages | wc -w)" -eq \
	$(($("$bin/stopbench" --complete "" | wc -l) + 5)) ]'
has_man || echo "skip the manual is rendered: there is no man, or no groff"
for page in $pages; do
	if has_man; then
		LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l "$prefix/share/man/man1/$page" \
			>"$work/out" 2>"$work/errors"
		code=$?
		check "$page renders without a warning" test ! -s "$work/errors"
		check "$page has a description" eval 'says "NAME ${page%.1} - "'
	fi
done
# Each option of --help is on the page, with its text.
if has_man; then
	"$bin/stopbench" run --help >"$work/help"
	LC_ALL=C.UTF-8 MANWIDTH=80 man -l "$prefix/share/man/man1/stopbench-run.1" >"$work/out" 2>&1
	for option in $(grep -oE '^ .{5}--[a-z-]+' "$work/help" | grep -oE '[a-z][a-z-]+'); do
		check "the page of run has --$option" says "--$option"
	done
	check "and what --format takes" says "table (the default"
fi

# --- completion ---

offers() { # WORD... EXPECTED: what bash offers for the last word of the line
	(
		cd "$work/elsewhere" || exit
		PATH=$prefix/bin:$PATH bash -c '
			. "$0/share/bash-completion/completions/stopbench" || exit
			COMP_WORDS=(stopbench "${@:1:$#-1}") COMP_CWORD=$(($# - 1))
			_stopbench stopbench
			printf "%s\n" "${COMPREPLY[@]}" | sort | tr "\n" " "
			printf "%s\n" "${COMPREPLY[@]}" | grep -qxF -- "${@: -1}"
		' "$prefix" "$@"
	) >"$work/out" 2>&1
}
if command -v bash >/dev/null; then
	check "bash offers commands" offers "" check
	check "and those alone that fit" eval 'offers val validate && [ "$(cat "$work/out")" = "validate " ]'
	check "options of a command" offers run --eng --engine
	check "values of an option" offers run --engine = pr process
	check "also behind a blank" offers list --format "" json
	check "files where a file is wanted" offers run --report rep reports
	check "scenarios that came with it" offers run kill/60 kill/60-no-handler.json
	check "diagnoses" offers explain H1 H15
	check "commands behind --" offers try -- seq seq
fi
for shell in zsh fish; do
	command -v "$shell" >/dev/null || continue
	file=packaging/completions/_stopbench
	[ "$shell" = zsh ] || file=packaging/completions/stopbench.fish
	"$shell" -n "$file" >"$work/out" 2>"$work/errors"
	code=$?
	check "$shell reads its completion" ends_with 0
done
if command -v fish >/dev/null; then
	PATH=$prefix/bin:$PATH HOME=$work fish -c ". $here/packaging/completions/stopbench.fish
		complete -C 'stopbench run --eng'" >"$work/out" 2>"$work/errors"
	code=$?
	check "fish offers options" ends_with 0 "--engine"
fi

# --- the way back ---

install uninstall
check "make uninstall leaves nothing" eval '[ "$code" -eq 0 ] && [ -z "$(find "$work/root" ! -type d)" ]'

# --- the package ---

if command -v dpkg-shlibdeps >/dev/null; then
	make --no-print-directory deb >"$work/out" 2>"$work/errors"
	code=$?
	package=build/stopbench_${version}_$(dpkg --print-architecture).deb
	check "make deb" ends_with 0 "$package"
	dpkg-deb -c "$package" >"$work/out"
	check "the package has the programs, and a page of the manual" \
		ends_with 0 "./usr/lib/stopbench/bin/stopbench" "./usr/share/man/man1/stopbench.1.gz"
	if command -v lintian >/dev/null; then
		lintian --allow-root --fail-on error,warning "$package" >"$work/out" 2>"$work/errors"
		code=$?
		check "lintian has nothing to say" eval '[ "$code" -eq 0 ] && [ ! -s "$work/out" ]'
	fi
	# A root of Debian alone, as debootstrap makes it.
	if [ -n "${STOPBENCH_CLEAN_ROOT:-}" ]; then
		cp "$package" "$STOPBENCH_CLEAN_ROOT/tmp/stopbench.deb"
		chroot "$STOPBENCH_CLEAN_ROOT" sh -c 'apt-get update -q >/dev/null &&
			DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends \
				/tmp/stopbench.deb >/dev/null && cd "$(mktemp -d)" &&
			stopbench run --engine process kill/60-no-handler && apt-get remove -yq \
				--purge stopbench >/dev/null && [ ! -e /usr/lib/stopbench ]' \
			>"$work/out" 2>"$work/errors"
		code=$?
		check "a clean root installs, runs and removes it" ends_with 0 "2 cases, 2 met"
	fi
fi
exit $failed
