/// Checks whether the parts of an experiment fit together at every point of its grid. Without a grid, the experiment is the only point.
module ChannelDistillation.Dsl.Planning.PointChecks

open System.Collections.Generic
open ChannelDistillation.Losses
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Resolution
open ChannelDistillation.Dsl.Grids
open ChannelDistillation.Dsl.Grids.Dimensions

/// The sections that must fit together.
let private sections = [ "dataset"; "student"; "teacher"; "variants" ]

/// The axis paths at a point, with the places of their values.
type private Here = (string list * Place) list

/// `unsure`: broken sections, which cannot be checked.
type private Checker(reader: Reader, where: PlaceFinder, unsure: Set<string>) =
    let pairs =
        HashSet<struct (DatasetSource * Model * Model * string * ChannelDistillation.Specs.TorchScriptFile option * (string * ParameterValue) list)>(
            HashIdentity.Structural
        )

    let stems = HashSet<struct (string * Model)>(HashIdentity.Structural)
    let teachers = HashSet<struct (DatasetSource * TeacherSource)>(HashIdentity.Structural)
    let datasets = HashSet<Dataset>(HashIdentity.Structural)
    let mutable last = Unchecked.defaultof<Dataset>
    // Losses that need a teacher and have none, with their variants, by the axis value that removes the teacher (if any).
    let withoutTeacher = Dictionary<Place list, ResizeArray<string * string>>(HashIdentity.Structural)

    // Losses that cannot compare two networks, with reason and remedy, by place, student and teacher.
    let unpaired = Dictionary<struct (Place * string * string), ResizeArray<string * string * string>>(HashIdentity.Structural)

    // Losses that read outputs that are not cached, with their variants, by place.
    let notServed = Dictionary<Place, ResizeArray<string * string>>(HashIdentity.Structural)
    // Existing outputs and losses that read a missing one, by place, missing output and file.
    let noOutput = Dictionary<struct (Place * string * string), string list * ResizeArray<string>>(HashIdentity.Structural)
    let scripts = HashSet<struct (DatasetSource * string * string)>(HashIdentity.Structural)
    let bfloat16Places = HashSet<Place>(HashIdentity.Structural)
    let uncacheable = HashSet<struct (Place * Diagnostic)>(HashIdentity.Structural)

    let isSure (names: string list) = names |> List.forall (fun name -> not (unsure.Contains name))

    /// The place of the first axis value in one of the given sections.
    let onAxis (here: Here) (sections: string list) =
        sections
        |> List.tryPick (fun section -> here |> List.tryFind (fun (segments, _) -> List.head segments = section))
        |> Option.map snd

    let stem (here: Here) (section: string) (model: Model) =
        if isSure [ section ] && model.Stem.IsSome && stems.Add(struct (section, model)) then
            onAxis here [ section ]
            |> Option.orElse (where.Value [ section; "stem" ])
            |> Option.iter (fun place -> Check.stem reader place [ section ] model)

    /// Whether a known teacher fits the dataset. If it does not, its features are not checked.
    let teacherFits (here: Here) (experiment: Experiment) (teacher: Teacher) =
        match Check.whyNotFitting experiment.Dataset teacher with
        | None -> true
        | Some mistake ->
            if teachers.Add(struct (experiment.Dataset.Source, teacher.Source)) then
                onAxis here [ "teacher"; "dataset" ]
                |> Option.orElse (where.Value [ "teacher" ])
                |> Option.iter (fun place -> reader.Report([ "teacher" ], place, mistake))

            false

    let pair (here: Here) (experiment: Experiment) (teacher: Teacher) (loss: Resolve.ResolvedLoss) =
        if pairs.Add(struct (experiment.Dataset.Source, experiment.Student, teacher.Model, loss.Name, loss.Script, loss.Parameters)) then
            match Check.whyNotPaired experiment teacher.Model loss with
            | None -> ()
            | Some mismatch ->
                onAxis here [ "student"; "teacher"; "dataset"; "variants"; "losses" ]
                |> Option.orElse (where.Value [ "student"; "model" ])
                |> Option.iter (fun place ->
                    let key = struct (place, experiment.Student.Name, teacher.Model.Name)
                    let found = loss.Name, mismatch.Reason, mismatch.Remedy

                    match unpaired.TryGetValue key with
                    | true, others ->
                        if not (others.Contains found) then
                            others.Add found
                    | _ -> unpaired[key] <- ResizeArray [ found ])

    /// Whether the files of a network from Python fit the dataset.
    let scriptFits (here: Here) (experiment: Experiment) (section: string) (model: Model) =
        match model.Script with
        | None -> true
        | Some path ->
            match TorchScriptChecks.mistake experiment model with
            | None -> true
            | Some mistake ->
                if scripts.Add(struct (experiment.Dataset.Source, section, path)) then
                    onAxis here [ section; "dataset" ]
                    |> Option.orElse (where.Value [ section; "torchscript" ])
                    |> Option.iter (fun place -> reader.Report([ "torchscript"; section ], place, mistake))

                false

    /// Whether a network from Python has the outputs that a loss reads.
    let gives (here: Here) (experiment: Experiment) (section: string) (model: Model) (loss: LossDescriptor) =
        match TorchScriptChecks.missing experiment model (section = "student") loss with
        | None -> true
        | Some(what, outputs) ->
            onAxis here [ section; "variants"; "losses" ]
            |> Option.orElse (where.Value [ section; "torchscript" ])
            |> Option.iter (fun place ->
                let key = struct (place, what, model.Name)

                match noOutput.TryGetValue key with
                | true, (_, losses) ->
                    if not (losses.Contains loss.Name) then
                        losses.Add loss.Name
                | _ -> noOutput[key] <- (outputs, ResizeArray [ loss.Name ]))

            false

    let precision (here: Here) (experiment: Experiment) (usesTeacher: bool) =
        match TorchScriptChecks.inBFloat16 experiment usesTeacher with
        | [] -> ()
        | files ->
            onAxis here [ "train" ]
            |> Option.orElse (where.Value [ "train"; "precision" ])
            |> Option.iter (fun place ->
                if bfloat16Places.Add place then
                    reader.Report([ "precision"; "train" ], place, TorchScriptInBFloat16 files))

    // Neighbouring points share the same object, which is checked once.
    let dataset (here: Here) (there: Dataset) =
        if isSure [ "dataset" ] && not (obj.ReferenceEquals(last, there)) then
            last <- there

            if datasets.Add there then
                for path, mistake in DatasetChecks.mistakes there do
                    onAxis here [ "dataset" ]
                    |> Option.orElse (where.Value("dataset" :: path))
                    |> Option.iter (fun place -> reader.Report(List.rev ("dataset" :: path), place, mistake))

    let cache (here: Here) (experiment: Experiment) (teacher: Teacher) (variant: string) (losses: LossDescriptor list) =
        let isOfCache segments =
            match segments with
            | [ "teacher" ]
            | "teacher" :: "cache" :: _ -> true
            | _ -> false

        let place =
            here
            |> List.tryPick (fun (segments, place) -> if isOfCache segments then Some place else None)
            |> Option.orElse (where.Value [ "teacher"; "cache" ])

        match place, CacheChecks.whyNot experiment.Dataset teacher with
        | None, _ -> ()
        | Some place, Some mistake ->
            if uncacheable.Add(struct (place, mistake)) then
                reader.Report([ "cache"; "teacher" ], place, mistake)
        | Some place, None ->
            for loss in CacheChecks.notServed teacher losses do
                match notServed.TryGetValue place with
                | true, others -> others.Add(loss.Name, variant)
                | _ -> notServed[place] <- ResizeArray [ loss.Name, variant ]

    member _.Check (here: Here) (experiment: Experiment) (variant: Variant) =
        dataset here experiment.Dataset
        stem here "student" experiment.Student

        let losses = variant.Losses |> List.choose (fun (name, _) -> DeclaredLosses.descriptor experiment.Losses name)
        let isTaught = losses |> List.exists _.NeedsTeacher
        precision here experiment isTaught

        // No short-circuiting between losses, so that every problem is reported.
        let studentFits =
            isSure [ "dataset"; "student"; "variants" ]
            && scriptFits here experiment "student" experiment.Student
            && (losses |> List.map (gives here experiment "student" experiment.Student) |> List.forall id)

        match experiment.Teacher with
        | None when isSure [ "teacher"; "variants" ] ->
            match losses |> List.tryFind _.NeedsTeacher with
            | None -> ()
            | Some loss ->
                let place = onAxis here [ "teacher"; "variants" ] |> Option.toList

                match withoutTeacher.TryGetValue place with
                | true, others -> others.Add(loss.Name, variant.Name)
                | _ -> withoutTeacher[place] <- ResizeArray [ loss.Name, variant.Name ]
        | None -> ()
        | Some teacher ->
            if isTaught then
                stem here "teacher" teacher.Model

            if isSure [ "dataset"; "teacher"; "variants" ] then
                cache here experiment teacher variant.Name losses

            let gives () =
                losses |> List.filter _.NeedsTeacher |> List.map (gives here experiment "teacher" teacher.Model) |> List.forall id

            let fits =
                isSure [ "dataset"; "teacher"; "variants" ]
                && teacherFits here experiment teacher
                && (not isTaught || scriptFits here experiment "teacher" teacher.Model && gives ())

            if isSure sections && studentFits && fits then
                for name, settings in variant.Losses do
                    if (DeclaredLosses.descriptor experiment.Losses name).IsSome then
                        pair here experiment teacher (Resolve.loss experiment variant (name, settings))

    /// Reports the collected problems, one for each cause: all losses without a teacher, that cannot compare two networks, or that cannot use the cache.
    member _.Finish() =
        for entry in unpaired do
            let struct (place, student, teacher) = entry.Key
            reader.Report([ "model"; "student" ], place, CannotPair(student, teacher, List.ofSeq entry.Value))

        for entry in noOutput do
            let struct (place, what, file) = entry.Key
            let outputs, losses = entry.Value
            reader.Report([ "torchscript" ], place, MissingOutputs(List.ofSeq losses, what, file, outputs))

        for entry in notServed do
            let distinct choose = entry.Value |> Seq.map choose |> Seq.distinct |> List.ofSeq
            reader.Report([ "cache"; "teacher" ], entry.Key, CannotCacheFeatureMaps(distinct fst, distinct snd, CacheChecks.served ()))

        for entry in withoutTeacher do
            let loss, variant = entry.Value[0]
            let others = [ for _, other in entry.Value -> other ] |> List.distinct |> List.filter ((<>) variant)

            List.tryHead entry.Key
            |> Option.orElse (where.VariantLoss(variant, loss))
            |> Option.iter (fun place -> reader.Report([ "teacher" ], place, NoTeacher(loss, variant, others)))

/// Reports everything that does not fit together, once each. Walks only the axes that matter for this, so that large grids are fast.
let run
    (reader: Reader)
    (where: PlaceFinder)
    (experiment: Experiment)
    (unsure: Set<string>)
    (dimensions: Dimension list)
    (excluded: Exclusions.Exclusion list)
    (included: Inclusions.Inclusion list)
    =
    let checker = Checker(reader, where, unsure)
    let dimensions = Array.ofList dimensions

    let matters (axis: Axes.FoundAxis) =
        axis.Sets(fun segments ->
            match segments with
            | [ "losses"; name; parameter ] ->
                parameter = "torchscript"
                || (DeclaredLosses.descriptor experiment.Losses name
                    |> Option.exists (fun loss -> Seq.contains parameter loss.PairingParameters))
            | [ "train" ]
            | [ "train"; "precision" ] -> true
            | segments -> List.contains segments.Head sections)

    for variant in experiment.Variants do
        let excluded = Points.excludedFor variant excluded

        let walked =
            dimensions
            |> Array.mapi (fun index dimension -> Array.exists matters dimension.Axes || Points.isExcludedBy excluded index)

        Points.walk dimensions walked experiment (fun positions there ->
            if not (Exclusions.contains excluded positions) then
                let here =
                    [ for index, dimension in Array.indexed dimensions do
                          if positions[index] >= 0 then
                              for axis in dimension.Axes do
                                  for segments in axis.Segments -> segments, axis.Values[positions[index]].Place ]

                there.Variants |> List.find (fun other -> other.Name = variant.Name) |> checker.Check here there)

    for inclusion in included do
        let there = Inclusions.apply experiment inclusion

        let here =
            [ for axis in inclusion.Axes do
                  for segments in axis.Segments -> segments, axis.Values[0].Place ]

        Inclusions.variants inclusion there |> List.iter (checker.Check here there)

    checker.Finish()
