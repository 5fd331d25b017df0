namespace ChannelDistillation.Dsl.Slurm

open System.Collections.Generic

/// An entry of the scheduler's queue that belongs to an experiment: a job, or an element of an array.
type QueueEntry =
    {
        /// The number that `scancel` takes; of an array, the same for all of its elements.
        Job: string
        Submission: Submission
        Kind: JobKind
        /// Of an array.
        Element: int option
        /// In Slurm's words: `PENDING`, `RUNNING`, ...
        State: string
        /// Why it is pending.
        Reason: string
    }

    member this.IsRunning = this.State = "RUNNING"

module Queue =
    /// The entries of an experiment in what squeue writes in `format`.
    let parse (experimentFolder: string) (text: string) : QueueEntry list =
        [ for line in text.Split('\n', System.StringSplitOptions.RemoveEmptyEntries) do
              match line.Split('|', 5) with
              | [| job; element; state; reason; name |] ->
                  match Submission.tryParse experimentFolder name with
                  | Some(submission, kind) ->
                      let element =
                          match System.Int32.TryParse element with
                          | true, number -> Some number
                          | _ -> None

                      { Job = job; Submission = submission; Kind = kind; Element = element; State = state; Reason = reason }
                  | None -> ()
              | _ -> () ]

    /// What is waiting or running of an experiment, by one question to the scheduler.
    let read (experimentFolder: string) : QueueEntry list =
        Commands.run "squeue" [ "--me"; "--noheader"; "--array"; "--format=%F|%K|%T|%r|%j" ] |> parse experimentFolder

    /// The names of the folders of the runs that entries train.
    let runs (entries: QueueEntry list) : HashSet<string> =
        let cohorts = Dictionary<string, string list[]>()
        let names = HashSet<string>()

        for entry in entries do
            match entry.Kind, entry.Element with
            | Train, Some element ->
                let folder = entry.Submission.Folder

                if not (cohorts.ContainsKey folder) then
                    cohorts[folder] <- Submission.readCohorts folder

                names.UnionWith(cohorts[folder].[element - 1])
            | _ -> ()

        names
