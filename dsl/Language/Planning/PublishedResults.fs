/// Assigns published numbers to rows.
module ChannelDistillation.Dsl.Planning.PublishedResults

open System.Collections.Generic
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Resolution
open ChannelDistillation.Dsl.Grids
open ChannelDistillation.Dsl.Planning.Drafts

/// A valid entry of `published.points`.
type Point =
    {
        Index: int
        Place: Place option
        Axes: Axes.FoundAxis list
        /// Its rows with numbers, each with source and protocol.
        Rows: (string * PublishedRow) list
    }

/// What a number is shown beside: a measured row, a teacher (which is in the table once, for all its students), or a separate row.
type private Beside =
    | Row of draft: int
    | Taught of Dataset * Teacher option
    | Alone of (string * string) list

/// The published numbers, assigned to rows.
type Placed =
    {
        /// For each draft: the numbers of its points, then those of `published.rows`.
        OfDrafts: (string * PublishedRow) list list
        /// Rows of methods that are not trained.
        Alone: PublishedOnlyRow list
        /// Points that give the same row different numbers.
        Contradictions: Problem list
        Warnings: Problem list
    }

let private published (experiment: Experiment) = experiment.Published |> Option.defaultValue Published.empty

/// The rows with numbers. A missing source or protocol is that of the same name in `published.rows`, of the point, or of the section, in this
/// order.
let private numbered (published: Published) (point: PublishedPoint option) (rows: (string * PublishedRow) list) =
    [ for name, row in rows do
          if not (PublishedRow.isWithoutNumbers row) then
              let named = published.Rows |> List.tryPick (fun (other, row) -> if other = name then Some row else None)

              let filled (ofRow: PublishedRow -> string option) ofPoint ofSection =
                  ofRow row
                  |> Option.orElse (Option.bind ofRow named)
                  |> Option.orElse (Option.bind ofPoint point)
                  |> Option.orElse ofSection

              name,
              { row with
                  Source = filled _.Source _.Source published.Source
                  Protocol = filled _.Protocol _.Protocol published.Protocol } ]

/// The valid points of `published`; problems with the others are reported as for a grid.
let find (reader: Reader) (where: PlaceFinder) (experiment: Experiment) : Point list =
    let published = published experiment

    [ for index, point in List.indexed published.Points do
          let at = [ "published"; "points"; string index; "at" ]

          point.At
          |> List.collect (fun (name, _) -> Axes.pathsOf experiment name |> Axes.located where experiment (at @ [ name ]))
          |> Axes.checkOverlap reader where

          let axes = [ for name, setting in point.At -> Axes.value reader where experiment (at @ [ name ]) name setting ]

          if List.forall Option.isSome axes then
              { Index = index
                Place = where.Key at
                Axes = List.choose id axes
                Rows = numbered published (Some point) point.Rows } ]

/// Whether a row matches a point: setting the point's values does not change the resolved row. A student without a teacher therefore
/// matches the points of all teachers.
let private isAt (draft: Draft) (point: Point) =
    let there = (draft.There, point.Axes) ||> List.fold (fun experiment axis -> axis.Values[0].Apply experiment)

    there.Variants
    |> List.tryFind (fun variant -> variant.Name = draft.Variant)
    |> Option.exists (fun variant -> Resolve.Resolver().Resolve(there, variant) = draft.Resolved)

/// The values of a point as tables show them.
let private shown (point: Point) =
    [ for axis in point.Axes ->
          match axis.Values[0].Setting with
          | Scalar text -> axis.Name, text
          | other -> axis.Name, Emit.flow other ]

/// One warning for all points without rows, since `--set` can remove many rows at once.
let private warnings (points: Point list) : Problem list =
    match points with
    | [] -> []
    | first :: others -> [ { Diagnostic = UnmatchedPoint others.Length; Place = first.Place } ]

let private numbersText (numbers: PublishedRow) =
    [ for name, value in [ "top1_error", numbers.Top1Error; "top5_error", numbers.Top5Error ] do
          match value with
          | Some value -> $"{name}: {Numbers.show value}"
          | None -> () ]
    |> fun parts -> "{ " + System.String.Join(", ", parts) + " }"

/// Reports each number that differs from that of an earlier point for the same row.
let private contradictions (where: PlaceFinder) (points: Point list) (beside: Point -> string -> Beside list) : Problem list =
    let earlier = Dictionary<struct (string * Beside), Point * PublishedRow>(HashIdentity.Structural)

    [ for point in points do
          for name, numbers in point.Rows do
              let others =
                  [ for target in beside point name do
                        match earlier.TryGetValue(struct (name, target)) with
                        | true, (other, known) ->
                            if (known.Top1Error, known.Top5Error) <> (numbers.Top1Error, numbers.Top5Error) then
                                other, known
                        | _ -> earlier[struct (name, target)] <- (point, numbers) ]

              match others with
              | [] -> ()
              | (other, known) :: _ ->
                  let at = Emit.flow (Entries [ for axis in other.Axes -> axis.Name, axis.Values[0].Setting ])
                  let line = other.Place |> Option.map _.Line |> Option.defaultValue 0

                  { Diagnostic = ConflictingPublished(name, numbersText numbers, numbersText known, at, line)
                    Place = where.Key [ "published"; "points"; string point.Index; "rows"; name ] } ]

/// Assigns all numbers to rows.
let place (where: PlaceFinder) (experiment: Experiment) (points: Point list) (drafts: Draft list) : Placed =
    let published = published experiment
    let everywhere = numbered published None published.Rows
    let variants = experiment.Variants |> List.map _.Name
    let isAlone name = name <> "teacher" && not (List.contains name variants)
    let placed = [ for draft in drafts -> draft, points |> List.map (isAt draft) ]

    /// Whether a number of this name applies to a draft. Numbers of the teacher and of untrained methods apply to drafts with a teacher.
    let concerns (draft: Draft) name =
        if List.contains name variants then
            draft.Variant = name
        else
            draft.Resolved.Teacher.IsSome || experiment.Teacher.IsNone

    let isThere index name = placed |> List.exists (fun (draft, isAt) -> List.item index isAt && concerns draft name)

    let beside (point: Point) name =
        let index = points |> List.findIndex (fun other -> other.Index = point.Index)

        if isAlone name then
            [ Alone(shown point) ]
        else
            [ for number, (draft, isAt) in List.indexed placed do
                  if List.item index isAt && concerns draft name then
                      if name = "teacher" then
                          Taught(draft.Resolved.Dataset, draft.Resolved.Teacher)
                      else
                          Row number ]
            |> List.distinct

    let alone axes rows =
        [ for name, numbers in rows do
              if isAlone name then
                  { Name = name; Axes = axes; Numbers = numbers } ]

    { OfDrafts = [ for _, isAt in placed -> (List.zip points isAt |> List.filter snd |> List.collect (fun (point, _) -> point.Rows)) @ everywhere ]
      Alone =
        alone [] everywhere
        @ [ for index, point in List.indexed points do
                yield! point.Rows |> List.filter (fst >> isThere index) |> alone (shown point) ]
      Contradictions = contradictions where points beside
      Warnings =
        [ for index, point in List.indexed points do
              if not (point.Rows |> List.exists (fst >> isThere index)) then
                  point ]
        |> warnings }
