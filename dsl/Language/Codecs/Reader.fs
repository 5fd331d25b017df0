namespace ChannelDistillation.Dsl.Codecs

open System.Collections.Generic
open ChannelDistillation.Dsl

/// Collects problems while an experiment is read. Remembers which parts they affect, so that consequences of a reported mistake are
/// not reported too.
type Reader() =
    let problems = ResizeArray<Problem>()
    let spoilt = HashSet<string list>()
    let meant = HashSet<string>()

    member _.Problems = List.ofSeq problems

    /// Reports a problem. Paths have the last segment first.
    member _.Report(path: string list, place: Place, mistake: Diagnostic) =
        problems.Add { Diagnostic = mistake; Place = Some place }
        spoilt.Add(List.rev path) |> ignore

    /// Marks a part as affected by a reported problem: it is missing because its key is misspelt.
    member _.Spoil(path: string list) = spoilt.Add(List.rev path) |> ignore

    /// Records names that a misspelt name probably stands for, so that their absence is not reported.
    member _.Meant(names: string list) = meant.UnionWith names
    member _.WasMeant name = meant.Contains name

    /// Whether a problem was reported at a path (from the root) itself.
    member _.IsReported(path: string list) = spoilt.Contains path

    /// Whether a problem was reported at a path (from the root), below it or above it.
    member _.IsSpoilt(path: string list) =
        let rec startsWith whole part =
            match whole, part with
            | _, [] -> true
            | a :: whole, b :: part when a = b -> startsWith whole part
            | _ -> false

        spoilt |> Seq.exists (fun broken -> startsWith broken path || startsWith path broken)
