namespace ChannelDistillation.Lab.Runs

open System
open System.Collections.Concurrent
open System.Text.Json
open System.Text.Json.Nodes
open ChannelDistillation.Runs
open ChannelDistillation.Lab.Tables

/// A summary of run.json and result.json of a run; the whole files of ten thousand runs would not fit in memory.
type RunSummary =
    {
        /// Whether there is a readable run.json.
        HasRun: bool
        /// The hash of the run in the folder. None: unknown.
        Hash: string option
        Result: RunResult option
        /// Wall-clock time of a completed run; `Origin` is its provenance.
        Seconds: float option
        Origin: RunOrigin option
    }

    member this.IsCompleted = this.Result |> Option.exists (fun result -> result.Status = RunStatus.Completed)

module RunSummary =
    let nothing = { HasRun = false; Hash = None; Result = None; Seconds = None; Origin = None }

    /// Wall-clock seconds of the sessions of the run. If a session was killed before it recorded its time, the sum over all epochs.
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

    /// The summary of a folder. Unchanged files are not read again.
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

    /// Stores the summary of a folder from an earlier command; it is used while the stamp is unchanged.
    let remember (path: string) (stamp: RecordStamp) (summary: RunSummary) = known[path] <- struct (stamp, summary)

    let remembered (path: string) : (RecordStamp * RunSummary) option =
        match known.TryGetValue path with
        | true, struct (stamp, summary) -> Some(stamp, summary)
        | _ -> None

    /// Empty if the folder holds another run than the one with this hash. A folder without a hash is accepted.
    let ofRun (hash: string option) (summary: RunSummary) =
        match hash, summary.Hash with
        | Some hash, Some own when own <> hash -> nothing
        | _ -> summary
