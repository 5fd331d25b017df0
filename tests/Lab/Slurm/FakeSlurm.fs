namespace ChannelDistillation.Tests.Lab.Slurm

open System
open System.IO
open ChannelDistillation.Tests

/// Fake Slurm commands that answer from files in a temporary folder. They record their arguments there and run nothing.
type FakeSlurm() =
    let folder = new TemporaryFolder()
    let numbers = folder.File "number"
    let calls = folder.File "calls"
    let queue = folder.File "queue"

    do
        for name, lines in
            [ "sbatch",
              [ "for script; do :; done"
                // Refuses the script of this name.
                $"""if [ "$(basename "$script")" = "$(cat '{folder.File "refused"}' 2>/dev/null)" ]; then echo 'sbatch: error: not today' >&2; exit 1; fi"""
                // Accepts the script of this name, and is interrupted before it prints the number.
                $"""if [ "$(basename "$script")" = "$(cat '{folder.File "cut"}' 2>/dev/null)" ]; then exit 130; fi"""
                $"number=$(($(cat '{numbers}' 2>/dev/null || echo 100) + 1)); echo $number | tee '{numbers}'" ]
              // As if all jobs were in hidden partitions.
              "squeue", [ $"case \" $* \" in *' --all '*) cat '{queue}' 2>/dev/null;; esac; true" ]
              "scancel", [ $"""if [ -e '{folder.File "stuck"}' ]; then echo 'scancel: error: no answer' >&2; exit 1; fi""" ]
              "scontrol",
              [ $"""[ $1 != show ] || echo MaxArraySize = $(cat '{folder.File "size"}' 2>/dev/null || echo 1001)"""
                // Slurm ends a requeued job.
                $"""[ $1 != requeue ] || {{ [ ! -e '{folder.File "full"}' ] || exit 1; kill -9 $PPID; }}""" ] ] do
            let file = folder.File name
            File.WriteAllLines(file, [ "#!/bin/sh"; $"echo \"{name} $*\" >>'{calls}'"; yield! lines ])
            File.SetUnixFileMode(file, UnixFileMode.UserRead ||| UnixFileMode.UserWrite ||| UnixFileMode.UserExecute)

    /// Environment variables of a program that uses them.
    member _.Path = "PATH", folder.Path + ":" + Environment.GetEnvironmentVariable "PATH"

    /// Sets the output of squeue: number, element or N/A, state, and script. Jobs are named after their script's folder.
    member _.Queue(jobs: (int * string * string * string) list) =
        File.WriteAllLines(
            queue,
            [ for number, element, state, script in jobs do
                  let submission = nonNull (Path.GetDirectoryName script)
                  let experiment = Path.GetFileName(Path.GetDirectoryName(Path.GetDirectoryName submission))
                  let name = $"{experiment}.{Path.GetFileName submission}.{Path.GetFileNameWithoutExtension script}"
                  $"{number}|{element}|{state}|None|{script}|{name}" ]
        )

    /// sbatch refuses a script of this name.
    member _.Refuse(script: string) = File.WriteAllText(folder.File "refused", script)

    /// sbatch is interrupted after the scheduler has accepted a script of this name.
    member _.Cut(script: string) = File.WriteAllText(folder.File "cut", script)

    /// The cluster's MaxArraySize.
    member _.Size(most: int) = File.WriteAllText(folder.File "size", string most)

    /// scontrol refuses to requeue a job.
    member _.RefuseRequeue() = File.WriteAllText(folder.File "full", "")

    /// scancel fails.
    member _.KeepJobs() = File.WriteAllText(folder.File "stuck", "")

    /// The recorded commands, in order.
    member _.Calls(name: string) =
        if File.Exists calls then
            [ for line in File.ReadLines calls do
                  if line.StartsWith(name + " ") then
                      line ]
        else
            []

    interface IDisposable with
        member _.Dispose() = (folder :> IDisposable).Dispose()
