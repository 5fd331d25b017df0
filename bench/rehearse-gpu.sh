#!/usr/bin/env bash
# Rehearses bench/gpu.sh on the CPU as a GPU machine would run it:
#   bench/rehearse-gpu.sh ARCHIVE [STAGE...]
# ARCHIVE is that of `dotnet fsi build.fsx publish`. It is unpacked elsewhere and run without a .NET SDK, without packages and, where the system
# allows that (`unshare`), without a network, against the libtorch of this clone's last CPU build as TORCH_LIB. Results stay in gpu-rehearsal/.
set -euo pipefail
archive=$(realpath "$1")
shift
cd "$(dirname "$0")/.."
native=$PWD/dsl/Cli/bin/Release/net10.0/runtimes/linux-x64/native
[ -e "$native/libtorch_cpu.so" ] || { echo "There is no libtorch in $native. First: dotnet fsi build.fsx build --backend cpu" >&2; exit 3; }
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
# An empty folder in the place of the SDK, and no network but the loopback that tests use.
if unshare --user --map-root-user --net --mount true 2>/dev/null; then
    alone=(unshare --user --map-root-user --net --mount bash -c "mount -t tmpfs none '$sdk' && { ip link set lo up 2>/dev/null || true; } && exec \"\$@\"" alone)
else
    echo "unshare is not allowed here: the SDK is hidden by PATH only, and the network is there."
fi
"${alone[@]}" env -i HOME="$elsewhere/home" PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 TORCH_LIB="$native" bench/gpu.sh --out "$out" --device cpu "$@"
