namespace ChannelDistillation.Dsl

open System.Collections.Generic

/// Reports, once each, what does not fit together at points of the grid.
type PointChecks(reader: Reader, where: Where) =
    let seen = HashSet<struct (DatasetSource * Model * Model * string)>(HashIdentity.Structural)
    let stems = HashSet<Model>(HashIdentity.Structural)
    let mutable noTeacher = false

    /// The first value on one of some paths, or else where the file says it.
    let placeOf (axes: (string list * Place) list) (heads: string list list) (otherwise: Place option) =
        axes
        |> List.tryFind (fun (segments, _) -> heads |> List.exists (fun head -> List.truncate head.Length segments = head))
        |> Option.map snd
        |> Option.orElse otherwise
        |> Option.orElseWith (fun () -> where.Value [ "student"; "model" ])
        |> Option.get

    /// `axes`: paths and places of the values at this point.
    member _.Check (experiment: Experiment) (variant: Variant) (axes: unit -> (string list * Place) list) =
        let check model path =
            if stems.Add model && model.Stem.IsSome then
                Check.stem reader (placeOf (axes ()) [ path ] (where.Value(path @ [ "stem" ]))) path model

        check experiment.Student [ "student" ]

        if Resolve.usesTeacher variant then
            experiment.Teacher |> Option.iter (fun teacher -> check teacher.Model [ "teacher" ])

        match experiment.Teacher with
        | None ->
            if not noTeacher && Resolve.usesTeacher variant then
                noTeacher <- true

                let loss =
                    variant.Losses |> List.map fst |> List.find (fun loss -> (ChannelDistillation.Losses.LossCatalog.Get loss).NeedsTeacher)

                reader.Report(
                    [ "grid" ],
                    placeOf (axes ()) [ [ "teacher" ]; [ "variants" ] ] (where.VariantLoss(variant.Name, loss)),
                    NoTeacher(loss, variant.Name, [])
                )
        | Some teacher ->
            for loss, _ in variant.Losses do
                if seen.Add(struct (experiment.Dataset.Source, experiment.Student, teacher.Model, loss)) then
                    match Check.whyNotPaired experiment.Dataset experiment.Student teacher.Model loss with
                    | None -> ()
                    | Some reason ->
                        let place =
                            placeOf
                                (axes ())
                                [ [ "student" ]; [ "teacher" ]; [ "dataset" ]; [ "variants" ]; [ "losses" ] ]
                                (where.Value [ "student"; "model" ])

                        reader.Report([ "grid" ], place, CannotPair(loss, experiment.Student.Name, teacher.Model.Name, reason))
