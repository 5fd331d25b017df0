namespace ChannelDistillation.Dsl.Codecs

open System.Collections.Generic
open ChannelDistillation.Dsl

/// Collects the problems of one reading, and remembers which parts of the experiment are spoilt by them, so that nothing that follows
/// from a reported mistake is reported again.
type Reader() =
    let problems = ResizeArray<Problem>()
    let spoilt = HashSet<string list>()
    let meant = HashSet<string>()

    member _.Problems = List.ofSeq problems

    /// Paths hold the last segment first.
    member _.Report(path: string list, place: Place, mistake: Diagnostic) =
        problems.Add { Diagnostic = mistake; Place = Some place }
        spoilt.Add(List.rev path) |> ignore

    /// A part that follows from a reported problem: it is missing because its key is misspelt.
    member _.Spoil(path: string list) = spoilt.Add(List.rev path) |> ignore

    /// Something misspelt probably stands for this name: it is no news that the name itself is missing.
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
