/// Image sets for the tests of data.
module ChannelDistillation.Tests.Runtime.Data.Sets

open System
open System.IO
open ChannelDistillation.Core
open ChannelDistillation.Specs
open ChannelDistillation.Data

/// The project folder.
let workspace =
    DirectoryInfo AppContext.BaseDirectory
    |> Seq.unfold (fun folder -> folder.Parent |> Option.ofObj |> Option.map (fun parent -> parent, parent))
    |> Seq.find (fun folder -> File.Exists(Path.Combine(folder.FullName, "ChannelDistillation.sln")))
    |> fun folder -> Workspace folder.FullName

let colour = ImageShape(3, 6, 5)
let mean = [| 0.4f; 0.5f; 0.6f |]
let std = [| 0.2f; 0.25f; 0.3f |]

/// `count` images of random pixels; image i has label i mod 7.
let randomSet (shape: ImageShape) count =
    let pixels = Array.zeroCreate<byte>(count * shape.Channels * shape.Height * shape.Width)

    Random(17).NextBytes pixels

    let perChannel (values: float32[]) = values[.. shape.Channels - 1] |> Array.map float
    pixels, new ByteImageSet(shape, pixels, Array.init count (fun i -> byte (i % 7)), NormalizationSpec(perChannel mean, perChannel std))

let mild = AugmentationSpec(2, PaddingMode.Reflect, true)

/// A folder that is deleted after the test.
let inTemporaryFolder (test: string -> unit) =
    let folder = Directory.CreateTempSubdirectory("cd-tests-").FullName

    try
        test folder
    finally
        Directory.Delete(folder, true)

/// A dataset like a known one, with other numbers of images and files, which may also be at a folder outside the project.
let variantOf (known: DatasetDescriptor) training validation (files: DatasetFile list) (alsoAt: string | null) =
    DatasetDescriptor(
        Name = known.Name,
        Doc = known.Doc,
        License = known.License,
        Format = known.Format,
        Image = known.Image,
        Classes = known.Classes,
        TrainingImages = training,
        ValidationImages = validation,
        Normalization = known.Normalization,
        Augmentation = known.Augmentation,
        Files = List.toArray files,
        AlsoAt = alsoAt
    )
