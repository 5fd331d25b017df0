/// Whether what an experiment asks of a dataset fits that dataset.
module ChannelDistillation.Dsl.Planning.DatasetChecks

open ChannelDistillation.Data
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Resolution

/// Paths within `dataset`, and what is wrong there.
let mistakes (dataset: ChannelDistillation.Dsl.Dataset) : (string list * Diagnostic) list =
    match Catalogued.find dataset.Source with
    | None -> []
    | Some known ->
        let photographs = known.Format = DatasetFormat.ImageFolder
        let augment = dataset.Augment

        let name =
            match dataset.Source with
            | Named name -> name
            | ImageFolder(folder, _) -> folder

        [ if photographs && augment.Pad.IsSome then
              [ "augment"; "pad" ], NotForPhotographs("pad", name)
          elif photographs && augment.Mode.IsSome then
              [ "augment"; "mode" ], NotForPhotographs("mode", name)
          elif not photographs && augment.ResizedCrop.IsSome then
              [ "augment"; "resized_crop" ], ForPhotographsOnly("resized_crop", name)

          match dataset.Normalize with
          | Some(KnownNormalization normalization) when not (known.Normalizations.ContainsKey normalization) ->
              [ "normalize" ], NotKnownWith(name, normalization, List.ofSeq known.Normalizations.Keys)
          | Some(MeanAndStd(mean, std)) ->
              for key, values in [ "mean", mean; "std", std ] do
                  if values.Length <> known.Image.Channels then
                      [ "normalize"; key ], NotPerChannel(key, known.Image.Channels, values.Length)
          | _ -> () ]
