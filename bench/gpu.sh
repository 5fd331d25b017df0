#!/usr/bin/env bash
# All that a GPU machine can show, in one go, into one folder:
#   bench/gpu.sh [FOLDER [DEVICE]]
# FOLDER: default gpu-results. DEVICE: default cuda; `cpu` tries the script itself with small networks.
# The build takes libtorch from the folder that TORCH_LIB names, where it names one, else from the package registry.
# A step that fails is noted and the others go on; the exit code is 1 then. Repeating the command goes on with the sweeps.
set -uo pipefail
cd "$(dirname "$0")/.."
mkdir -p "${1:-gpu-results}"
out=$(cd "${1:-gpu-results}" && pwd)
device=${2:-cuda}
build="dotnet fsi build.fsx"

if [ "$device" = cpu ]; then
    backend=cpu
    experiment=experiments/quickstart.yaml
    networks=(--set teacher.model=resnet14 --set student.model=resnet8 --set train.epochs=1 --set teacher.train.epochs=1)
    networks+=(--set 'variants.cd+gkd+edt=[ce, cd, gkd]')
    short=(--set train.epochs=1 --set teacher.train.epochs=1 --set 'variants.cd+gkd+edt=[ce, cd, gkd]')
else
    backend=$([ -n "${TORCH_LIB:-}" ] && echo external || echo cuda)
    experiment=experiments/fashion-mnist-ablation.yaml
    networks=(--set teacher.model=resnet34 --set student.model=resnet18)
    short=(--set train.epochs=2 --set teacher.train.epochs=1 --set seeds=0 --set 'variants.cd+gkd+edt=[ce, cd, gkd]')
fi

failed=()
# NAME COMMAND...: its output goes to NAME.txt.
step() {
    local name=$1
    shift
    echo "== $name: $*"
    if ! "$@" > "$out/$name.txt" 2>&1; then
        failed+=("$name")
        echo "   failed: $out/$name.txt"
    fi
}

losses() { # FOLDER: the epochs' losses and errors of its runs, without their times
    find "$1" -name metrics.jsonl | sort | xargs sed -E 's/"(images_per_second|seconds)":[^,}]*,?//g'
}

# The same runs twice, each time from their start: the same numbers?
deterministic() {
    for attempt in first second; do
        rm -rf "$out/deterministic/$attempt"
        $build sweep "$experiment" --device "$device" --deterministic --quiet --out "$out/deterministic/$attempt" "${short[@]}" --only 'cd*' || return 1
    done
    diff <(losses "$out/deterministic/first") <(losses "$out/deterministic/second") && echo "The same numbers twice."
}

{ date -u; git rev-parse HEAD; uname -a; nvidia-smi; } > "$out/machine.txt" 2>&1
step build $build build --backend "$backend"
# In float32 without TF32, against PyTorch's values.
step trajectories env CHANNEL_DISTILLATION_TEST_DEVICE="$device" $build test --filter "training steps agree with PyTorch"
[ "$device" = cpu ] || step fetch $build data fetch fashion-mnist
step ablation $build sweep "$experiment" --device "$device" --quiet --out "$out/runs" "${networks[@]}"
step deterministic deterministic
step bench $build bench gpu --device "$device"

if [ ${#failed[@]} -gt 0 ]; then
    echo "Failed: ${failed[*]}. All output: $out"
    exit 1
fi
echo "All done: $out"
