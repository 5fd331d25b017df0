/// Checks an experiment's dataset settings against the dataset.
module ChannelDistillation.Dsl.Planning.DatasetChecks

open ChannelDistillation.Data
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Resolution

/// The paths within `dataset` that have invalid settings, with their diagnostics.
let mistakes (dataset: ChannelDistillation.Dsl.Dataset) : (string list * Diagnostic) list =
    match DatasetLookup.find dataset.Source with
    | None -> []
    | Some known ->
        let isFolder = known.Format = DatasetFormat.ImageFolder
        let augment = dataset.Augment

        let name =
            match dataset.Source with
            | Named name -> name
            | ImageFolder(folder, _) -> folder

        [ if isFolder && augment.Pad.IsSome then
              [ "augment"; "pad" ], NotForImageFolders("pad", name)
          elif isFolder && augment.Mode.IsSome then
              [ "augment"; "mode" ], NotForImageFolders("mode", name)
          elif not isFolder && augment.ResizedCrop.IsSome then
              [ "augment"; "resized_crop" ], ForImageFoldersOnly("resized_crop", name)

          match dataset.Normalize with
          | Some(KnownNormalization normalization) when not (known.Normalizations.ContainsKey normalization) ->
              [ "normalize" ], NotKnownWith(name, normalization, List.ofSeq known.Normalizations.Keys)
          | Some(MeanAndStd(mean, std)) ->
              for key, values in [ "mean", mean; "std", std ] do
                  if values.Length <> known.Image.Channels then
                      [ "normalize"; key ], NotPerChannel(key, known.Image.Channels, values.Length)
          | _ -> () ]
