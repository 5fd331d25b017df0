#!/usr/bin/env bash
# Tries bench/gpu.sh on the CPU, as a GPU machine would run it:
#   bench/rehearse-gpu.sh ARCHIVE [STAGE...]
# ARCHIVE is made by `dotnet fsi build.fsx publish`. It is unpacked to a temporary folder and run without a .NET SDK and packages and, if the system
# allows it (`unshare`), without a network. TORCH_LIB is the libtorch of this clone's last CPU build. Results are written to gpu-rehearsal/.
set -euo pipefail
archive=$(realpath "$1")
shift
cd "$(dirname "$0")/.."
native=$PWD/dsl/Cli/bin/Release/net10.0/runtimes/linux-x64/native
[ -e "$native/libtorch_cpu.so" ] || { echo "$native has no libtorch. Build first: dotnet fsi build.fsx build --backend cpu" >&2; exit 3; }
rm -rf gpu-rehearsal
mkdir gpu-rehearsal
out=$PWD/gpu-rehearsal
elsewhere=$(mktemp -d)
trap 'rm -rf "$elsewhere"' EXIT
tar -C "$elsewhere" -xzf "$archive"
cd "$elsewhere"/*/
mkdir "$elsewhere/home"
sdk=$(dirname "$(realpath "$(command -v dotnet)")")
alone=()
# An empty folder replaces the SDK, and only the loopback network remains, which tests use.
if unshare --user --map-root-user --net --mount true 2>/dev/null; then
    alone=(unshare --user --map-root-user --net --mount bash -c "mount -t tmpfs none '$sdk' && { ip link set lo up 2>/dev/null || true; } && exec \"\$@\"" alone)
else
    echo "unshare is not permitted here: only PATH hides the SDK, and the network is available."
fi
"${alone[@]}" env -i HOME="$elsewhere/home" PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 TORCH_LIB="$native" bench/gpu.sh --out "$out" --device cpu "$@"
