/// Turns drafts into rows: names them and creates their runs.
module ChannelDistillation.Dsl.Planning.Rows

open System
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Resolution
open ChannelDistillation.Dsl.Grids
open ChannelDistillation.Dsl.Planning.Drafts

/// A value of an axis as tables show it (`Shown`) and as run names contain it (`Named`).
[<Struct>]
type private Label = { Shown: string * string; Named: string }

/// Whether an axis can change the teacher or the dataset.
let private selectsTeacher (experiment: Experiment) (name: string) =
    Axes.pathsOf experiment name |> List.exists (fun path -> path.StartsWith "teacher." || path.StartsWith "dataset")

let private labels (experiment: Experiment) (axisTable: AxisTable) : Label[][] =
    let segments = [| for axis in 0 .. axisTable.Count - 1 -> Axes.segments experiment (axisTable.Name axis) |]

    [| for axis in 0 .. axisTable.Count - 1 do
           let others =
               [ for other in 0 .. axisTable.Count - 1 do
                     if other <> axis then
                         segments[other] ]

           let key = Names.shortest segments[axis] others
           let values = axisTable.Values(axis).ToArray()

           [| for value, name in Array.zip values (Names.values values) ->
                  let text =
                      match value with
                      | Scalar text -> text
                      | other -> Emit.flow other

                  { Shown = axisTable.Name axis, text; Named = Names.setting key name } |] |]

/// The value of a draft on an axis, which may have been added to the axisTable after the draft.
let private value (draft: Draft) axis = if axis < draft.Values.Length then draft.Values[axis] else -1

/// By axis, whether the rows of a variant differ on it; only then is it part of their names.
let private varying (axisTable: AxisTable) (drafts: Draft list) : bool[] =
    [| for axis in 0 .. axisTable.Count - 1 ->
           match drafts with
           | [] -> false
           | first :: others -> others |> List.exists (fun draft -> value draft axis <> value first axis) |]

/// Creates the rows. `published`: the published numbers of each draft.
let make (experiment: Experiment) (axisTable: AxisTable) (drafts: Draft list) (published: (string * PublishedRow) list list) : Row list =
    let labels = labels experiment axisTable

    let selecting =
        set [ for axis in 0 .. axisTable.Count - 1 -> axisTable.Name axis ] |> Set.filter (selectsTeacher experiment)

    let specs = Resolve.SpecMaker()
    let unique = Names.Unique()

    let varying =
        drafts |> List.groupBy _.Variant |> List.map (fun (variant, drafts) -> variant, varying axisTable drafts) |> dict

    [ for draft, published in List.zip drafts published do
          let varying = varying[draft.Variant]
          let name = Text.StringBuilder(Names.ofVariant draft.Variant)

          let axes =
              [ for axis in 0 .. axisTable.Count - 1 do
                    match value draft axis with
                    | -1 -> ()
                    | value ->
                        let label = labels[axis][value]

                        if varying[axis] then
                            name.Append('-').Append(label.Named) |> ignore

                        label.Shown ]

          let name = unique.Name(Names.shortened (name.ToString()))
          let teacherAxes = axes |> List.filter (fst >> selecting.Contains)

          { Variant = draft.Variant
            Axes = axes
            Published = published
            Runs =
              (experiment.Seeds, specs.Make(draft.Resolved, experiment.Seeds))
              ||> List.map2 (fun seed spec ->
                  { Variant = draft.Variant
                    Axes = axes
                    TeacherAxes = teacherAxes
                    Seed = seed
                    Name = Names.ofSeed name seed
                    Spec = spec
                    Others = [] }) } ]
