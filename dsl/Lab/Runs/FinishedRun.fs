/// The weights of a finished run that is named by its folder.
module ChannelDistillation.Lab.Runs.FinishedRun

open System.IO
open ChannelDistillation.Core
open ChannelDistillation.Runs
open ChannelDistillation.Lab.Tables

/// The epochs whose weights a run keeps.
type Weights =
    | Latest
    | Best

type FinishedRun =
    {
        Weights: string
        /// Its errors with these weights on the official validation set.
        Errors: EpochErrors
        /// For the metadata of exported files: experiment, name and hash of the run, and the epoch.
        Origin: (string * string) list
    }

/// Like an unusable checkpoint.
let private refuse (message: string) : 'a = raise (MissingException message)

/// Why a folder is not that of a run.
let private notARun (folder: string) =
    match PlanReader.tryRead folder with
    | Ok(Some layout) ->
        let runs = layout.Rows |> List.collect _.Folders |> List.distinct |> List.map (fun run -> Path.Combine(folder, run))
        let more = if runs.Length > 5 then $" and {runs.Length - 5} more" else ""
        let listed = String.concat ", " (List.truncate 5 runs)
        refuse $"{folder} is the folder of an experiment. Name one of its runs: {listed}{more}."
    | _ -> refuse $"{folder} is not the folder of a run: it has no run.json."

let private unfinished (run: RunFolder) (how: string) =
    let kept =
        if File.Exists run.LatestWeights then
            $"\nTo export the weights of its last finished epoch as they are, name the file {run.LatestWeights}."
        else
            ""

    refuse $"{run.Path} {how}{kept}"

/// What is known of the origin of a run's weights, for the metadata of exported files: experiment, name and hash of the run.
let origin (run: RunFolder) : (string * string) list =
    match run.ReadRun() with
    | null -> []
    | content ->
        [ match PlanReader.read (Path.GetFullPath(Path.Combine(run.Path, ".."))) with
          | Some layout -> "experiment", layout.Experiment
          | None -> ()
          match content["run"] with
          | null -> ()
          | name -> "run", string name
          match run.ReadHash() with
          | null -> ()
          | hash -> "run_hash", hash ]

let private isDamaged (run: RunFolder) file = run.Damaged() |> Seq.exists (fun damaged -> Path.GetFileName damaged = file)

/// The run in a folder. Damaged, unfinished, diverged and failed runs are refused.
/// <param name="folder">As the user named it.</param>
/// <exception cref="MissingException">The folder is not that of a finished run; the message says why.</exception>
let find (weights: Weights) (folder: string) : FinishedRun =
    let run = RunFolder(Path.TrimEndingDirectorySeparator folder)

    match run.ReadRun() with
    | null when isDamaged run "run.json" -> refuse $"{run.Path} is damaged: run.json is not valid JSON. Repeat the sweep to restore it."
    | null -> notARun run.Path
    | content ->
        match run.ReadResult content with
        | null when isDamaged run "result.json" -> refuse $"{run.Path} is damaged: result.json was changed. Repeat the sweep to restore it."
        | null -> unfinished run "is not finished: it has no result.json. The same sweep resumes it."
        | result ->
            let reason = result.Message |> Option.ofObj |> Option.map (fun message -> $": {message}") |> Option.defaultValue "."

            match result.Status with
            | RunStatus.Completed ->
                let file, errors =
                    match weights, Option.ofObj result.Test with
                    | Latest, Some test -> run.LatestWeights, test.Last
                    | Best, Some test -> run.BestWeights, test.Best
                    | Latest, None -> run.LatestWeights, nonNull result.Last
                    | Best, None -> run.BestWeights, nonNull result.Best

                if not (File.Exists file) then
                    refuse $"{file} does not exist: the weights of the run were removed."

                { Weights = file; Errors = errors; Origin = origin run @ [ "epoch", string errors.Epoch ] }
            | RunStatus.Diverged -> unfinished run $"diverged{reason}"
            | RunStatus.Failed -> unfinished run $"failed{reason}"
            | _ -> unfinished run "is not finished: it was interrupted. The same sweep resumes it."
