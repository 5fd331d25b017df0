/// What does not fit together, at any point of the grid: an experiment without one is its own only point.
module ChannelDistillation.Dsl.Planning.PointChecks

open System.Collections.Generic
open ChannelDistillation.Losses
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Resolution
open ChannelDistillation.Dsl.Grids
open ChannelDistillation.Dsl.Grids.Dimensions

/// The sections that have to fit together.
let private sections = [ "dataset"; "student"; "teacher"; "variants" ]

/// Paths and places of the values at a point.
type private Here = (string list * Place) list

/// `unsure`: sections that are broken, so that nothing can be said of them.
type private Checker(reader: Reader, where: Where, unsure: Set<string>) =
    let pairs =
        HashSet<struct (DatasetSource * Model * Model * string * ChannelDistillation.Specs.TorchScriptFile option * (string * ParameterValue) list)>(
            HashIdentity.Structural
        )

    let stems = HashSet<struct (string * Model)>(HashIdentity.Structural)
    let teachers = HashSet<struct (DatasetSource * TeacherSource)>(HashIdentity.Structural)
    let datasets = HashSet<Dataset>(HashIdentity.Structural)
    let mutable last = Unchecked.defaultof<Dataset>
    // By the value that takes the teacher away, if it is one of an axis: losses that need a teacher, with their variants.
    let needy = Dictionary<Place list, ResizeArray<string * string>>(HashIdentity.Structural)

    // By place, student and teacher: losses that cannot compare them, each with the reason and a remedy.
    let unpaired = Dictionary<struct (Place * string * string), ResizeArray<string * string * string>>(HashIdentity.Structural)

    // By place: losses that read what a cache does not keep, with their variants.
    let notServed = Dictionary<Place, ResizeArray<string * string>>(HashIdentity.Structural)
    // By place, what is read, and file: losses that read it, and the outputs that there are.
    let noOutput = Dictionary<struct (Place * string * string), string list * ResizeArray<string>>(HashIdentity.Structural)
    let scripts = HashSet<struct (DatasetSource * string * string)>(HashIdentity.Structural)
    let narrow = HashSet<Place>(HashIdentity.Structural)
    let uncached = HashSet<struct (Place * Diagnostic)>(HashIdentity.Structural)

    let isSure (names: string list) = names |> List.forall (fun name -> not (unsure.Contains name))

    /// The first value on one of some sections.
    let onAxis (here: Here) (sections: string list) =
        sections
        |> List.tryPick (fun section -> here |> List.tryFind (fun (segments, _) -> List.head segments = section))
        |> Option.map snd

    let stem (here: Here) (section: string) (model: Model) =
        if isSure [ section ] && model.Stem.IsSome && stems.Add(struct (section, model)) then
            onAxis here [ section ]
            |> Option.orElse (where.Value [ section; "stem" ])
            |> Option.iter (fun place -> Check.stem reader place [ section ] model)

    /// A known teacher is refused on other images than its own, before anything is said of its features on these.
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

    /// Whether the files of a network from Python can be used on this dataset.
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

    /// Whether a network from Python gives what a loss reads of it.
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
                if narrow.Add place then
                    reader.Report([ "precision"; "train" ], place, TorchScriptInBFloat16 files))

    // Neighbouring points share the object: no need to look into it.
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
            if uncached.Add(struct (place, mistake)) then
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

        // Everything is asked, so that everything is reported.
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

                match needy.TryGetValue place with
                | true, others -> others.Add(loss.Name, variant.Name)
                | _ -> needy[place] <- ResizeArray [ loss.Name, variant.Name ]
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

    /// One cause, one problem: what needs a teacher where there is none is named together, so is what cannot compare two networks, and what a cache cannot serve.
    member _.Finish() =
        for entry in unpaired do
            let struct (place, student, teacher) = entry.Key
            reader.Report([ "model"; "student" ], place, CannotPair(student, teacher, List.ofSeq entry.Value))

        for entry in noOutput do
            let struct (place, what, file) = entry.Key
            let outputs, losses = entry.Value
            reader.Report([ "torchscript" ], place, OutputsNotThere(List.ofSeq losses, what, file, outputs))

        for entry in notServed do
            let distinct choose = entry.Value |> Seq.map choose |> Seq.distinct |> List.ofSeq
            reader.Report([ "cache"; "teacher" ], entry.Key, CacheOfMaps(distinct fst, distinct snd, CacheChecks.served ()))

        for entry in needy do
            let loss, variant = entry.Value[0]
            let others = [ for _, other in entry.Value -> other ] |> List.distinct |> List.filter ((<>) variant)

            List.tryHead entry.Key
            |> Option.orElse (where.VariantLoss(variant, loss))
            |> Option.iter (fun place -> reader.Report([ "teacher" ], place, NoTeacher(loss, variant, others)))

/// Reports what does not fit together, once each. Only axes that matter for that are walked, so that this is quick on large grids.
let run
    (reader: Reader)
    (where: Where)
    (experiment: Experiment)
    (unsure: Set<string>)
    (dimensions: Dimension list)
    (excluded: Exclusions.Exclusion list)
    (included: Inclusions.Inclusion list)
    =
    let checker = Checker(reader, where, unsure)
    let dimensions = Array.ofList dimensions

    let matters (axis: Axes.FoundAxis) =
        match axis.Segments with
        | [ "losses"; name; parameter ] ->
            parameter = "torchscript"
            || (DeclaredLosses.descriptor experiment.Losses name
                |> Option.exists (fun loss -> Seq.contains parameter loss.PairingParameters))
        | [ "train" ]
        | [ "train"; "precision" ] -> true
        | segments -> List.contains segments.Head sections


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
                              for axis in dimension.Axes -> axis.Segments, axis.Values[positions[index]].Place ]

                there.Variants |> List.find (fun other -> other.Name = variant.Name) |> checker.Check here there)

    for inclusion in included do
        let there = Inclusions.apply experiment inclusion
        let here = [ for axis in inclusion.Axes -> axis.Segments, axis.Values[0].Place ]
        Inclusions.variants inclusion there |> List.iter (checker.Check here there)

    checker.Finish()
