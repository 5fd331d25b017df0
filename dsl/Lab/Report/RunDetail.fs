namespace ChannelDistillation.Lab.Report

open System.Text.Json.Nodes
open ChannelDistillation.Runs
open ChannelDistillation.Lab.Tables

/// What the report shows of a run.
type RunDetail =
    {
        /// The name of its folder.
        Folder: string
        Seed: int64 option
        Status: RowStatus
        Record: RunRecord
        /// Its run.json, if there is one.
        Run: JsonObject option
        Epochs: EpochRecord list
    }

    /// The folder's name without the hash.
    member this.Name =
        match this.Folder.LastIndexOf '-' with
        | -1 -> this.Folder
        | at -> this.Folder.Substring(0, at)
