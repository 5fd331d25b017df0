/// Checks that every `--set` setting reaches a run.
module ChannelDistillation.Dsl.Planning.SettingChecks

open System
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Yaml
open ChannelDistillation.Dsl.Codecs
open ChannelDistillation.Dsl.Resolution
open ChannelDistillation.Dsl.Grids

/// A `--set PATH=TEXT`.
type Given = { Path: string; Text: string; Source: Source }

let private isPrefix (path: string list) (longer: string list) = path.Length <= longer.Length && List.truncate path.Length longer = path

let private place (setting: Given) : Place = { Source = setting.Source; Line = 1; Column = 1; Length = max 1 setting.Path.Length }

let isRemoval (setting: Given) = List.contains (setting.Text.Trim()) [ "null"; "~" ]

/// The overrides that every run has, and those of some runs.
let private overrides (experiment: Experiment) (segments: string list) : Override list * Override list =
    let covers (path: string) = isPrefix (Axes.segments experiment path) segments

    let by section (axes: Axis list) =
        [ for axis in axes do
              if List.exists covers axis.Paths then
                  ByAxis(axis.Name, section) ]

    let axes = by "product" experiment.Grid.Product @ by "zip" (List.concat experiment.Grid.Zip)

    // A point of `include` has the file's value, unless it sets the path itself.
    let isKept =
        experiment.Grid.Include
        |> List.exists (fun point -> not (List.exists (fst >> Axes.pathsOf experiment >> List.exists covers) point.Values))

    let ofVariants, everyVariant =
        match segments with
        | "losses" :: loss :: key :: _ ->
            let users =
                [ for variant in experiment.Variants do
                      match variant.Losses |> List.tryFind (fun (name, _) -> name = loss) with
                      | Some(_, own) ->
                          let isOfPreset =
                              variant.Edt |> Option.exists (fun edt -> LossCodec.has key (Resolve.preset edt (Resolve.descriptor experiment loss)))

                          variant.Name, LossCodec.has key own, isOfPreset
                      | None -> () ]

            let own =
                [ for name, own, _ in users do
                      if own then
                          name ]

            let preset =
                [ for name, own, isOfPreset in users do
                      if isOfPreset && not own then
                          name ]

            [ if not own.IsEmpty then
                  ByVariants own
              if not preset.IsEmpty then
                  ByPreset preset ],
            own.Length + preset.Length = users.Length
        | _ -> [], false

    if not axes.IsEmpty && not isKept then axes, []
    elif not ofVariants.IsEmpty && everyVariant then ofVariants, []
    else [], axes @ ofVariants

/// The paths that a value sets: below a mapping, those of its parts.
let rec private leaves (path: string) (value: Node) : string list =
    match value.Content with
    | Mapping entries when not entries.IsEmpty -> entries |> List.collect (fun entry -> leaves $"{path}.{entry.Name}" entry.Value)
    | _ -> [ path ]

let private paths (setting: Given) =
    match Yaml.readPart setting.Source (String(' ', setting.Path.Length + 1) + setting.Text) with
    | Ok(value, _) -> leaves setting.Path value
    | Error _ -> [ setting.Path ]

/// Reports settings that removed nothing because no experiment has such a key.
let unknown (experiment: Experiment) (idle: Given list) : Problem list =
    [ for setting in idle do
          let segments = Axes.segments experiment setting.Path

          match ExperimentCodec.codec.Edit segments experiment with
          | Error(NoSuchKey(after, name, legal)) when segments.Head <> "grid" ->
              { Diagnostic = UnknownPath(setting.Path, name, after, legal, Suggest.near name legal)
                Place = Some(place setting) }
          | _ -> () ]

/// Problems: settings that every run overrides. Warnings: settings that some runs override, or of which a part is overridden.
let check (experiment: Experiment) (settings: Given list) : Problem list =
    [ for setting in settings do
          let place = Some(place setting)

          // Removing a value has an effect: the default applies.
          if not (setting.Path.StartsWith "grid" || isRemoval setting) then
              let parts = [ for path in paths setting -> path, overrides experiment (Axes.segments experiment path) ]
              let isWhole = parts |> List.forall (fun (_, (everywhere, _)) -> not everywhere.IsEmpty)

              for path, (everywhere, somewhere) in parts do
                  match everywhere @ somewhere with
                  | [] -> ()
                  | all when isWhole -> { Diagnostic = SettingWithoutEffect(path, all); Place = place }
                  | some -> { Diagnostic = SettingPartlyOverridden(path, some); Place = place } ]
