/// Runs Slurm's commands.
module ChannelDistillation.Lab.Slurm.Commands

open System
open System.ComponentModel
open System.Diagnostics
open ChannelDistillation.Core

/// Whether an environment variable sets an option of one of these commands. Such variables would override the options of the scripts, and hide jobs
/// from queries of the queue.
let isOption (variable: string) =
    [ "SBATCH_"; "SQUEUE_"; "SCANCEL_" ]
    |> List.exists (fun prefix -> variable.StartsWith(prefix, StringComparison.Ordinal))

/// Runs a command without those variables, and returns its output.
/// <exception cref="MissingException">The command is missing or failed; with its error output.</exception>
let run (program: string) (arguments: string list) : string =
    let start =
        ProcessStartInfo(program, arguments, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true)

    for variable in start.Environment.Keys |> Seq.filter isOption |> List.ofSeq do
        start.Environment.Remove variable |> ignore

    try
        use started = nonNull (Process.Start start)
        started.StandardInput.Close()
        let errors = started.StandardError.ReadToEndAsync()
        let output = started.StandardOutput.ReadToEnd()
        started.WaitForExit()

        if started.ExitCode = 0 then
            output
        else
            let message =
                match errors.Result.Trim() with
                | "" -> $"exit code {started.ExitCode}, without a message."
                | text -> text

            raise (MissingException($"Slurm's {program} failed: {message}"))
    with :? Win32Exception as error ->
        raise (
            MissingException(
                $"Slurm's {program} is not installed here. Use --launcher slurm on a machine that can submit jobs, such as the cluster's login node.",
                error
            )
        )

/// Submits a script that starts when the given jobs have ended, successfully or not. Returns the job's number.
let submit (script: string) (after: string list) : string =
    let dependency =
        if after.IsEmpty then
            []
        else
            [ "--dependency=afterany:" + String.concat ":" after ]

    // `NUMBER;CLUSTER` where there are several clusters.
    (run "sbatch" ([ "--parsable" ] @ dependency @ [ script ])).Trim().Split(';')[0]

let cancel (jobs: string list) = run "scancel" jobs |> ignore

/// Cancels the jobs with this name, if any.
let cancelNamed (name: string) = run "scancel" [ $"--name={name}" ] |> ignore

/// The maximum number of elements of an array: indices are smaller than MaxArraySize.
let mostElements () : int =
    let size =
        (run "scontrol" [ "show"; "config" ]).Split '\n'
        |> Array.tryPick (fun line ->
            match line.Split('=', 2) with
            | [| name; value |] when name.Trim() = "MaxArraySize" -> Some(int (value.Trim()))
            | _ -> None)

    match size with
    | Some size when size > 1 -> size - 1
    | _ -> raise (MissingException "This cluster allows no job arrays (MaxArraySize), but a sweep is submitted as one.")
