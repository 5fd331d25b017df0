namespace ChannelDistillation.Lab.Runs

open System
open System.Collections.Concurrent
open System.Text.Json
open System.Text.Json.Nodes
open ChannelDistillation.Runs
open ChannelDistillation.Lab.Tables

/// What run.json and result.json in the folder of a run say, in short: of ten thousand runs all of it is too much to hold.
type RunSummary =
    {
        /// Whether there is a run.json that can be read.
        HasRun: bool
        /// Of the run that is in the folder; None: nothing says.
        Hash: string option
        Result: RunResult option
        /// Wall-clock time, and where it comes from, of a completed run.
        Seconds: float option
        Origin: RunOrigin option
    }

    member this.IsCompleted = this.Result |> Option.exists (fun result -> result.Status = RunStatus.Completed)

module RunSummary =
    let nothing = { HasRun = false; Hash = None; Result = None; Seconds = None; Origin = None }

    /// Wall-clock seconds of the sessions that the run is the work of. One that was killed has not noted its own: then those of all epochs.
    let private seconds (folder: RunFolder) (run: JsonObject) =
        let noted =
            [ for session in Sessions.Counting run ->
                  match session["seconds"] with
                  | null -> None
                  | value when value.GetValueKind() = JsonValueKind.Number -> Some(value.GetValue<float>()) |> Option.filter Double.IsFinite
                  | _ -> None ]

        if List.forall Option.isSome noted then
            Some(List.sumBy Option.get noted)
        else
            match List.ofSeq (folder.ReadMetrics()) with
            | [] -> None
            | epochs -> Some(epochs |> List.sumBy _.Seconds)

    let private read (folder: RunFolder) : RunSummary =
        let run = folder.ReadRun()
        let summary = { nothing with Result = Option.ofObj (folder.ReadResult run) }

        match run with
        | null -> summary
        | run ->
            let ofCompleted value = if summary.IsCompleted then value () else None

            { summary with
                HasRun = true
                Hash = Option.ofObj (RunFolder.HashIn run)
                Seconds = ofCompleted (fun () -> seconds folder run)
                Origin = ofCompleted (fun () -> Some(Provenance.ofRun run)) }

    let private known = ConcurrentDictionary<string, struct (RecordStamp * RunSummary)>()

    /// Of a folder by its path; files that are still those of before are not read again.
    let ofFolder (path: string) : RunSummary =
        let folder = RunFolder path
        let stamp = folder.Stamp()

        match known.TryGetValue path with
        | true, struct (before, summary) when stamp = Nullable before -> summary
        | _ ->
            let summary = read folder

            if stamp.HasValue then
                known[path] <- struct (stamp.Value, summary)
            else
                known.TryRemove path |> ignore

            summary

    /// What is known of a folder from before; it counts as long as the stamp does.
    let remember (path: string) (stamp: RecordStamp) (summary: RunSummary) = known[path] <- struct (stamp, summary)

    let remembered (path: string) : (RecordStamp * RunSummary) option =
        match known.TryGetValue path with
        | true, struct (stamp, summary) -> Some(stamp, summary)
        | _ -> None

    /// Nothing where the folder is of another run than the one with this hash; one that does not say is taken for it.
    let ofRun (hash: string option) (summary: RunSummary) =
        match hash, summary.Hash with
        | Some hash, Some own when own <> hash -> nothing
        | _ -> summary
