#!/usr/bin/env bash
# Run tests against the compiled parts built with AddressSanitizer and UndefinedBehaviorSanitizer, at every
# instruction set of this machine. What is built is a copy, installed into build/sanitized: the module in place stays
# as it is.
#
#   tests/native/sanitize.sh [pytest arguments]      default: tests/engine
#
# PYTHON is the interpreter, which has what the tests need (.venv/bin/python), CC the compiler (gcc).
set -euo pipefail
cd "$(dirname "$0")/../.."
export CC=${CC:-gcc}
[ $# -gt 0 ] || set -- tests/engine
python=$("${PYTHON:-.venv/bin/python}" -c 'import sys; print(sys.executable)')
target=$PWD/build/sanitized

# setup.py says how to compile; only its optimization is replaced, since it comes after CFLAGS.
source=$(mktemp -d)
trap 'rm -rf "$source"' EXIT
cp -r setup.py pyproject.toml README.md LICENSE sepfilter "$source"
find "$source" -name '*.so' -delete
sed -i 's/"-O[0-3s]"/"-O1"/' "$source/setup.py"
rm -rf "$target"
mkdir -p "$target"
flags="-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -DSEPFILTER_GUARDS -Werror"
echo "sanitize: building with $CC $flags"
CFLAGS=$flags "$python" -m pip install --verbose --disable-pip-version-check --no-deps --target "$target" "$source" \
    > "$target/build.log" 2>&1 || { cat "$target/build.log" >&2; exit 1; }
for module in engine/_native images/png/_unfilter; do
    compgen -G "$target/sepfilter/$module*.so" > /dev/null \
        || { cat "$target/build.log" >&2; echo "sanitize: the build has no $module" >&2; exit 1; }
done

# Python is not built with the sanitizer, so its library has to come first; SciPy's exceptions want libstdc++ beside
# it. Python itself leaks. No working directory on the module path: it has the other package.
preload=
for library in libasan.so libstdc++.so; do
    path=$("$CC" -print-file-name="$library")
    [ "$path" != "$library" ] || { echo "sanitize: $CC has no $library" >&2; exit 1; }
    preload="$preload $(realpath "$path")"
done
sanitized() {
    env LD_PRELOAD="${preload# }" ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
        PYTHONPATH="$target" PYTHONSAFEPATH=1 "$@"
}

levels=$(sanitized "$python" - "$target" <<'END'
import sys
from pathlib import Path

from sepfilter.engine import _native

if not Path(_native.__file__).is_relative_to(sys.argv[1]):
    sys.exit(f"sanitize: {_native.__file__} was imported, which is not in {sys.argv[1]}")
print(*_native.levels())
END
)
[ -n "$levels" ] || { echo "sanitize: the extension has no levels" >&2; exit 1; }
for level in $levels; do
    echo "sanitize: SEPFILTER_ISA=$level pytest $*"
    sanitized SEPFILTER_ISA="$level" "$python" -m pytest -p no:cacheprovider --capture=sys "$@" # --capture=fd hides reports
done
