namespace ChannelDistillation.Lab.Slurm

open System
open System.Collections.Generic
open ChannelDistillation.Core

/// An entry of the scheduler's queue that belongs to an experiment: a job, or an element of an array.
type QueueEntry =
    {
        /// The number that `scancel` takes; of an array, the same for all of its elements.
        Job: string
        Submission: Submission
        Kind: JobKind
        /// The index in its array.
        Element: int option
        /// Slurm's name of the state: `PENDING`, `RUNNING`, ...
        State: string
        /// Why it is pending.
        Reason: string
    }

    member this.IsRunning = this.State = "RUNNING"

    /// Signalled but not ended: it may still be saving its state.
    member this.IsEnding = this.State = "COMPLETING"

module Queue =
    /// Parses the output of squeue, and returns the entries of an experiment.
    let parse (experimentFolder: string) (text: string) : QueueEntry list =
        [ for line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries) do
              match line.Split('|', 5) with
              | [| job; element; state; reason; rest |] ->
                  // Job names contain no bar, but a path may.
                  let bar = rest.LastIndexOf '|'

                  match Submission.tryParse experimentFolder (rest.Substring(0, max bar 0)) (rest.Substring(bar + 1)) with
                  | Some(submission, kind) ->
                      let element =
                          match Int32.TryParse element with
                          | true, number -> Some number
                          | _ -> None

                      { Job = job; Submission = submission; Kind = kind; Element = element; State = state; Reason = reason }
                  | None -> ()
              | _ -> () ]

    /// The pending and running jobs of an experiment, from one query: the user's jobs, including those in hidden partitions.
    let read (experimentFolder: string) : QueueEntry list =
        Commands.run "squeue" [ "--me"; "--all"; "--noheader"; "--array"; "--format=%F|%K|%T|%r|%o|%j" ]
        |> parse experimentFolder

    /// The runs of a submission.
    /// <exception cref="MissingException">The runs are unknown; with the jobs to cancel.</exception>
    let private known (entries: QueueEntry list) (read: Result<'runs, string>) : 'runs =
        match read with
        | Ok runs -> runs
        | Error problem ->
            let jobs = entries |> List.map _.Job |> List.distinct |> String.concat " "

            raise (
                MissingException(
                    $"{problem} The runs of the queued jobs {jobs} are therefore unknown, and some could be submitted twice. "
                    + $"Cancel the jobs with `scancel {jobs}` or wait until they have ended, then repeat the command."
                )
            )

    /// The folder names of the runs that the entries train.
    /// <exception cref="MissingException">A submission's folder or its cohorts.txt is missing.</exception>
    let runs (entries: QueueEntry list) : HashSet<string> =
        HashSet
            [ for folder, entries in entries |> List.groupBy _.Submission.Folder do
                  match entries |> List.choose _.Element with
                  | [] -> ()
                  | elements -> yield! Submission.runsOf folder elements |> known entries ]

    /// The entries for the given runs: array elements that train one of them, and the jobs for teachers and tables of submissions that train no others.
    /// <exception cref="MissingException">As of <see cref="runs"/>.</exception>
    let workingFor (names: HashSet<string>) (entries: QueueEntry list) : QueueEntry list =
        [ for folder, entries in entries |> List.groupBy _.Submission.Folder do
              match Submission.readCohorts folder with
              | Error _ when entries |> List.forall (fun entry -> entry.Kind <> Train) -> ()
              | read ->
                  let cohorts = known entries read

                  let wanted =
                      HashSet
                          [ for index, runs in Array.indexed cohorts do
                                if List.exists names.Contains runs then
                                    index + 1 ]

                  if cohorts |> Array.forall (List.forall names.Contains) then
                      yield! entries
                  else
                      yield! entries |> List.filter (_.Element >> Option.exists wanted.Contains) ]
