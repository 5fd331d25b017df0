namespace ChannelDistillation.Tests.Lab.Slurm

open System
open System.IO
open ChannelDistillation.Tests

/// Commands that answer as Slurm's do, from files in a temporary folder: what they are told is noted there, and nothing runs.
type Fakes() =
    let folder = new TemporaryFolder()
    let numbers = folder.File "number"
    let calls = folder.File "calls"
    let queue = folder.File "queue"

    do
        for name, lines in
            [ "sbatch",
              [ "for script; do :; done"
                // Refuses the script that is named so.
                $"""if [ "$(basename "$script")" = "$(cat '{folder.File "refused"}' 2>/dev/null)" ]; then echo 'sbatch: error: not today' >&2; exit 1; fi"""
                // Takes the script that is named so, and is interrupted before it says the number.
                $"""if [ "$(basename "$script")" = "$(cat '{folder.File "cut"}' 2>/dev/null)" ]; then exit 130; fi"""
                $"number=$(($(cat '{numbers}' 2>/dev/null || echo 100) + 1)); echo $number | tee '{numbers}'" ]
              // As if all jobs were in hidden partitions.
              "squeue", [ $"case \" $* \" in *' --all '*) cat '{queue}' 2>/dev/null;; esac; true" ]
              "scancel", [ $"""if [ -e '{folder.File "stuck"}' ]; then echo 'scancel: error: no answer' >&2; exit 1; fi""" ]
              "scontrol",
              [ "[ $1 != show ] || echo 'MaxArraySize = 1001'"
                // A job that is queued again is ended by Slurm.
                "[ $1 != requeue ] || kill -9 $PPID" ] ] do
            let file = folder.File name
            File.WriteAllLines(file, [ "#!/bin/sh"; $"echo \"{name} $*\" >>'{calls}'"; yield! lines ])
            File.SetUnixFileMode(file, UnixFileMode.UserRead ||| UnixFileMode.UserWrite ||| UnixFileMode.UserExecute)

    /// For the environment of a program that is to find them.
    member _.Path = "PATH", folder.Path + ":" + Environment.GetEnvironmentVariable "PATH"

    /// What squeue tells from now on: number, element or N/A, state, and the script. Jobs are called as their script's folder says.
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

    /// sbatch is interrupted once the scheduler has taken a script of this name.
    member _.Cut(script: string) = File.WriteAllText(folder.File "cut", script)

    /// scancel fails.
    member _.KeepJobs() = File.WriteAllText(folder.File "stuck", "")

    /// The commands that were given to one of them, in their order.
    member _.Calls(name: string) =
        if File.Exists calls then
            [ for line in File.ReadLines calls do
                  if line.StartsWith(name + " ") then
                      line ]
        else
            []

    interface IDisposable with
        member _.Dispose() = (folder :> IDisposable).Dispose()
