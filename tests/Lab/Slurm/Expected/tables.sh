#!/usr/bin/env bash
# Writes the tables when all elements have ended. Made by
#   dotnet fsi build.fsx sweep --launcher slurm
# To submit it again by hand: sbatch '/scratch/50%/runs/a study/slurm/20260102-030405-abcd/tables.sh'
#SBATCH --job-name='a study.20260102-030405-abcd.tables'
#SBATCH --output='/scratch/50%%/runs/a study/slurm/20260102-030405-abcd/logs/tables.log'
#SBATCH --open-mode=append
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --requeue
#SBATCH --signal=B:USR1@300
#SBATCH --partition=gpu
#SBATCH --constraint='a100|h100'
#SBATCH --time=04:00:00
#SBATCH --mem=16G
#SBATCH --cpus-per-task=8
#SBATCH --gres=gpu:a100:1
#SBATCH --exclusive
#SBATCH --comment="two words"

# Slurm sends USR1 before the time is over and TERM where it ends the job itself; either saves the state of every run.
signal= program=
save() { signal=$1; [ -z "$program" ] || kill -s "$1" "$program" 2>/dev/null; }
trap 'save USR1' USR1
trap 'save TERM' TERM

export CHANNEL_DISTILLATION_ROOT='/home/me/my lab'
cd '/home/me/my lab' || exit 3
# Set here: a DOTNET of the shell that submitted this does not count. A line of `setup` may name another.
DOTNET=/opt/dotnet/dotnet
module load dotnet/10
apptainer exec --nv image.sif "$DOTNET" '/home/me/my lab/channel-distillation.dll' \
    sweep '/scratch/50%/runs/a study/slurm/20260102-030405-abcd/experiment.yaml' --out /scratch/50%/runs --part tables --device auto --yes &
program=$!
[ -z "$signal" ] || save "$signal" # that came in the meantime
# A signal ends the waiting, not the program.
while wait "$program"; code=$?; kill -0 "$program" 2>/dev/null; do :; done

# Out of time and not through (its own ends are 0 to 3): the same job once more, which goes on where this one was.
if [ "$signal" = USR1 ] && [ "$code" -gt 3 ]; then
    # Slurm's own count of restarts is not asked: it is also of failed nodes and of jobs that were preempted.
    turns='/scratch/50%/runs/a study/slurm/20260102-030405-abcd/logs'/"turns-$SLURM_JOB_ID"
    if [ "$(cat "$turns" 2>/dev/null | wc -l)" -lt 3 ] && date >>"$turns" \
        && scontrol requeue "$SLURM_JOB_ID"; then
        # Slurm ends this script now; one that ended by itself would count as through.
        sleep 60
        exit "$code"
    fi
    echo "Out of time, and not queued again. What is saved goes on when the sweep is submitted again."
fi
exit "$code"
