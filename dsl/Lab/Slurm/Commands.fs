/// Slurm's own commands.
module ChannelDistillation.Lab.Slurm.Commands

open System
open System.ComponentModel
open System.Diagnostics
open ChannelDistillation.Core

/// Whether a variable of the environment stands for an option of one of these commands. Those of the shell that starts a sweep would stand
/// over what the scripts ask for, and hide jobs from the questions that are asked of the queue.
let isOption (variable: string) =
    [ "SBATCH_"; "SQUEUE_"; "SCANCEL_" ]
    |> List.exists (fun prefix -> variable.StartsWith(prefix, StringComparison.Ordinal))

/// What a command writes; it is started without the variables that stand for options.
/// <exception cref="MissingException">It is not there, or it fails; with its own words.</exception>
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
            let words =
                match errors.Result.Trim() with
                | "" -> $"it ended with {started.ExitCode}, and said nothing."
                | words -> words

            raise (MissingException($"Slurm's {program} fails: {words}"))
    with :? Win32Exception as error ->
        raise (
            MissingException(
                $"Slurm's command {program} is not here. Start --launcher slurm on a machine that submits jobs, such as the cluster's login node.",
                error
            )
        )

/// Submits a script that starts when some jobs have ended, however they end; gives its job's number.
let submit (script: string) (after: string list) : string =
    let dependency =
        if after.IsEmpty then
            []
        else
            [ "--dependency=afterany:" + String.concat ":" after ]

    // `NUMBER;CLUSTER` where there are several clusters.
    (run "sbatch" ([ "--parsable" ] @ dependency @ [ script ])).Trim().Split(';')[0]

let cancel (jobs: string list) = run "scancel" jobs |> ignore

/// Cancels what is called so, if there is anything.
let cancelNamed (name: string) = run "scancel" [ $"--name={name}" ] |> ignore

/// Most elements of an array: indices are smaller than MaxArraySize.
let mostElements () : int =
    let size =
        (run "scontrol" [ "show"; "config" ]).Split '\n'
        |> Array.tryPick (fun line ->
            match line.Split('=', 2) with
            | [| name; value |] when name.Trim() = "MaxArraySize" -> Some(int (value.Trim()))
            | _ -> None)

    match size with
    | Some size when size > 1 -> size - 1
    | _ -> raise (MissingException "This cluster allows no job arrays (MaxArraySize), and a sweep is submitted as one.")
