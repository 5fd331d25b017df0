/// Whether what a teacher says can be kept (`teacher.cache`).
module ChannelDistillation.Dsl.Planning.CacheChecks

open ChannelDistillation.Specs
open ChannelDistillation.Data
open ChannelDistillation.Losses
open ChannelDistillation.Teachers.Signals
open ChannelDistillation.Dsl
open ChannelDistillation.Dsl.Resolution

let private isOfPhotographs (dataset: ChannelDistillation.Dsl.Dataset) =
    Catalogued.find dataset.Source |> Option.exists (fun known -> known.Format = DatasetFormat.ImageFolder)

/// Why nothing can be kept of this teacher on these images, whatever the losses are.
let whyNot (dataset: ChannelDistillation.Dsl.Dataset) (teacher: Teacher) : Diagnostic option =
    match teacher.Cache with
    | None -> None
    | Some _ when teacher.BatchNorm = TeacherBatchNorm.BatchStats -> Some CacheOfBatchStats
    | Some { Views = None } when Augmentation.isRandom dataset ->
        Some(
            CacheOfRandomImages(
                if isOfPhotographs dataset then
                    "resized_crop: none, flip: false"
                else
                    "pad: 0, flip: false"
            )
        )
    | Some _ -> None

/// The losses that read what is not kept.
let notServed (teacher: Teacher) (losses: LossDescriptor list) =
    if teacher.Cache.IsNone then
        []
    else
        losses |> List.filter (SignalCache.IsServed >> not)

/// Names of those that learn from a teacher and read only what is kept.
let served () =
    [ for loss in LossCatalog.All do
          if loss.NeedsTeacher && SignalCache.IsServed loss then
              loss.Name ]
