#!/usr/bin/env bash
# Checks and measures a GPU machine in stages, and writes the results to one folder:
#   bench/gpu.sh [--out FOLDER] [--device DEVICE] [STAGE...]
# FOLDER: default gpu-results. DEVICE: default cuda; `cpu` tries the stages with small networks. No STAGE: all of them, in order.
# `bench/gpu.sh --list` lists the stages and their time limits in seconds. A stage that fails or times out does not stop the next; a table comes
# last. Exit code 0: every stage passed; 1: a stage failed; 2: the arguments are invalid.
#
# In an archive of `dotnet fsi build.fsx publish` it needs no .NET and no network: TORCH_LIB is the folder of libtorch. In a clone, it builds first.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
out=gpu-results
device=cuda
stage=
chosen=()

# NAME SECONDS WHAT
stages="
machine 60 the card, its driver and what is installed
names 60 libtorch is loaded once and has the native functions that are called by name
trajectories-cpu 180 six training steps on the CPU agree with PyTorch
trajectories 180 six training steps on the device agree with PyTorch
agreement 180 every loss and every model: the device against the CPU
steps 420 training steps: images per second, host and device time, memory
resume 150 killed with SIGKILL and resumed with --deterministic: the same metrics
full 150 another process holds most of the device's memory: lanes are split, nothing fails
images 150 JPEG files at 224 px: the time that training waits for them
two 150 two workers on one device: the speed relative to one
fashion 3600 Fashion-MNIST, ResNet-34 -> ResNet-18, three seeds
"
list() { printf '%s\n' "$stages" | sed '/^$/d'; }
limit_of() { list | awk -v name="$1" '$1 == name { print $2 }'; }

while [ $# -gt 0 ]; do
    case $1 in
        --out) out=$2; shift 2 ;;
        --device) device=$2; shift 2 ;;
        --stage) stage=$2; shift 2 ;;
        --list) list; exit 0 ;;
        *)
            [ -n "$(limit_of "$1")" ] || { echo "Unknown stage \`$1\`. bench/gpu.sh --list lists them." >&2; exit 2; }
            chosen+=("$1"); shift ;;
    esac
done
mkdir -p "$out"
out=$(cd "$out" && pwd)
export CHANNEL_DISTILLATION_ROOT=$root
isArchive=$([ -x .dotnet/dotnet ] && echo yes || echo no)
if [ "$isArchive" = yes ]; then
    export DOTNET_ROOT=$root/.dotnet PATH=$root/.dotnet:$PATH LD_LIBRARY_PATH=$root/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi
cli() { dotnet dsl/Cli/bin/Release/net10.0/channel-distillation.dll "$@"; }
bench() { dotnet bench/bin/Release/net10.0/ChannelDistillation.Bench.dll "$@"; }
tests() { dotnet tests/bin/Release/net10.0/ChannelDistillation.Tests.dll "$@"; }
onCpu() { [ "$device" = cpu ]; }
# The last result that a stage prints appears in the table.
result() { echo "RESULT: $*"; }

# FOLDER: prints losses and errors of all epochs of its runs, without times.
losses() { find "$1" -name metrics.jsonl -path '*-*' | sort | xargs sed -E 's/"(images_per_second|seconds)":[^,}]*,?//g'; }
# FOLDER OPTION...: runs the small sweep.
small() {
    local folder=$1
    shift
    cli sweep bench/gpu.yaml --device "$device" --quiet --out "$folder" "$@"
}

do_machine() {
    date -u; uname -a; nproc; if [ -e VERSION ]; then cat VERSION; else git rev-parse HEAD; fi
    echo "TORCH_LIB=${TORCH_LIB:-}"; [ -z "${TORCH_LIB:-}" ] || ls -l "$TORCH_LIB"
    python3 -c 'import torch; print("PyTorch", torch.__version__, torch.version.cuda)'
    if onCpu; then
        result "$(nproc) cores, no GPU requested"
    else
        nvidia-smi && result "$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader | head -1)"
    fi
}

do_names() { bench names --device "$device" && tests --filter "A process maps one libtorch"; }

trajectories() {
    local log=$out/$stage.part
    CHANNEL_DISTILLATION_TEST_DEVICE=$1 tests --filter "training steps agree with PyTorch" | tee "$log"
    local code=${PIPESTATUS[0]}
    result "$(tail -1 "$log")"
    rm -f "$log"
    return "$code"
}
do_trajectories-cpu() { trajectories cpu; }
do_trajectories() { trajectories "$device"; }

do_agreement() { bench agreement --device "$device"; }

do_steps() {
    if onCpu; then
        bench gpu 1 1 --device cpu --precision float32
    else
        bench gpu 3 30 --device "$device" --teacher resnet20 --precision tf32 && bench gpu 3 30 --device "$device" --teacher resnet34 --precision tf32,bfloat16
    fi
}

do_resume() {
    rm -rf "$out/resume"
    mkdir -p "$out/resume"
    small "$out/resume/whole" --deterministic || return 1
    # In a separate process group, so that the workers are killed too.
    setsid bash -c 'exec dotnet dsl/Cli/bin/Release/net10.0/channel-distillation.dll "$@"' sweep sweep bench/gpu.yaml --device "$device" --quiet \
        --deterministic --out "$out/resume/killed" > "$out/resume/killed.txt" 2>&1 &
    local group=$!
    # Waits until the first epoch is complete; the last one is not.
    until find "$out/resume/killed" -name metrics.jsonl -path '*cd*' -size +0 2>/dev/null | grep -q . || ! kill -0 "$group" 2>/dev/null; do sleep 0.05; done
    kill -KILL -- "-$group" 2>/dev/null || { echo "The sweep ended before it was killed:"; cat "$out/resume/killed.txt"; return 1; }
    wait "$group" 2>/dev/null
    if [ "$(losses "$out/resume/killed")" = "$(losses "$out/resume/whole")" ]; then
        echo "All runs were complete before the sweep was killed."
        return 1
    fi
    small "$out/resume/killed" --deterministic || return 1
    diff <(losses "$out/resume/whole") <(losses "$out/resume/killed") && result "the same metrics after SIGKILL and resuming"
}

do_full() {
    rm -rf "$out/full"
    if onCpu; then
        # On a CPU, lanes are not fitted to memory: only run the sweep.
        small "$out/full" --only 'student*' && result "tried without filling the memory"
        return
    fi
    coproc holder { bench hold-memory 4 --device "$device"; }
    local pid=$holder_PID held
    read -r -t 60 held <&"${holder[0]}" || return 1
    echo "$held"
    cli sweep bench/gpu.yaml --device "$device" --quiet --out "$out/full" --set teacher.model=resnet152 --set student.model=resnet50 \
        --set train.epochs=1 --set 'seeds=[0,1,2,3,4,5,6,7]' 2>&1 | tee "$out/full.part"
    local code=${PIPESTATUS[0]}
    kill "$pid"
    result "$held; $(grep -o 'GPU memory holds .*' "$out/full.part" || echo 'the lanes were not split')"
    rm -f "$out/full.part"
    return "$code"
}

do_images() { if onCpu; then bench gpu-images 64 --device cpu; else bench gpu-images 4096 --device "$device"; fi; }

do_two() {
    rm -rf "$out/two"
    local began ended one two seeds='seeds=[0,1,2,3]' epochs='train.epochs=2'
    onCpu && { seeds='seeds=[0,1]'; epochs='train.epochs=1'; }
    # Trains the teacher that both sweeps use.
    small "$out/two/teacher" --set train.epochs=1 --only 'cd*' || return 1
    began=$(date +%s%N); small "$out/two/one" --set "$seeds" --set "$epochs" || return 1; ended=$(date +%s%N)
    one=$(((ended - began) / 1000000))
    began=$(date +%s%N)
    cli sweep bench/gpu.yaml --device "$device" --workers-per-device 2 --quiet --out "$out/two/both" --set "$seeds" --set "$epochs" || return 1
    ended=$(date +%s%N)
    two=$(((ended - began) / 1000000))
    result "$(awk -v one="$one" -v two="$two" 'BEGIN { printf "one worker %.1f s, two %.1f s: %.2f times as fast", one / 1000, two / 1000, one / two }')"
}

do_fashion() {
    local networks=(--set teacher.model=resnet34 --set student.model=resnet18)
    if [ ! -e data/fashion-mnist ]; then
        echo "data/fashion-mnist does not exist; using fashion-mnist-mini for two epochs."
        networks+=(--set dataset=fashion-mnist-mini --set train.epochs=2)
    fi
    onCpu && networks=(--set teacher.model=resnet14 --set student.model=resnet8 --set dataset=fashion-mnist-mini --set train.epochs=1 --only 'student*' --set 'seeds=[0]')
    cli sweep experiments/fashion-mnist-ablation.yaml --device "$device" --tf32 off --quiet --out "$out/fashion" "${networks[@]}" &&
        result "$(find "$out/fashion" -name result.json -exec grep -l completed {} + | wc -l) runs completed"
}

if [ -n "$stage" ]; then
    "do_$stage"
    exit
fi

[ "$isArchive" = yes ] || dotnet fsi build.fsx build --backend "$([ -n "${TORCH_LIB:-}" ] && echo external || { onCpu && echo cpu || echo cuda; })" || exit 1
[ ${#chosen[@]} -gt 0 ] || mapfile -t chosen < <(list | awk '{ print $1 }')
failed=0
: > "$out/table.md"
row() { printf '| %s | %s | %s | %s |\n' "$@" >> "$out/table.md"; }
row stage outcome seconds result
row --- --- --- ---
for each in "${chosen[@]}"; do
    limit=$(limit_of "$each")
    # On a CPU, only check that a stage works, also on a busy machine.
    onCpu && limit=$((4 * limit))
    echo "== $each (at most $limit s): $(list | awk -v name="$each" '$1 == name { $1 = $2 = ""; print substr($0, 3) }')"
    began=$SECONDS
    timeout -k 10 "$limit" bash "$root/bench/gpu.sh" --out "$out" --device "$device" --stage "$each" > "$out/$each.txt" 2>&1
    code=$?
    case $code in
        0) outcome=passed ;;
        124 | 137) outcome="exceeded $limit s" ;;
        *) outcome="failed ($code)" ;;
    esac
    [ "$code" = 0 ] || { failed=1; echo "   $outcome: $out/$each.txt"; }
    row "$each" "$outcome" $((SECONDS - began)) "$(sed -n 's/^RESULT: //p' "$out/$each.txt" | tail -1)"
done
echo
cat "$out/table.md"
exit $failed
