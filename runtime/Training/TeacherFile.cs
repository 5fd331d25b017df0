using System.Globalization;
using ChannelDistillation.Checkpoints;
using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Models;
using ChannelDistillation.Pickle;
using ChannelDistillation.Runs;
using ChannelDistillation.Specs;
using ChannelDistillation.Teachers;

namespace ChannelDistillation.Training;

/// <summary>The file of a teacher from a checkpoint, examined before anything is trained. No code in it is executed.</summary>
/// <param name="Problem">Why it cannot be used; null if it can.</param>
/// <param name="Place">Which weights of the file are used, if it holds others or they are an average; otherwise empty.</param>
/// <param name="Differences">How its training differs from the experiment as far as the file records it, each with both values: "dataset cifar10, here cifar100".</param>
public sealed record TeacherFile(string? Problem, string Place, IReadOnlyList<string> Differences)
{
    /// <summary>Null if the teacher has no checkpoint here: it is missing, trained with a recipe, or a network from Python.</summary>
    /// <param name="precision">Precision of the experiment's runs.</param>
    public static TeacherFile? Of(Workspace workspace, TeacherSpec teacher, DatasetSpec dataset, Precision precision)
    {
        var store = new TeacherStore(workspace);
        if (teacher.Train is not null || teacher.Model.Script is not null || !store.Exists(teacher, dataset))
            return null;
        try
        {
            // Reading all values takes a second for a large network: an evaluated teacher has been read before.
            bool isKnown = store.KnownErrors(teacher, dataset) is not null;
            using CheckpointFile file = CheckpointFile.Open(store.CheckpointOf(teacher, dataset));
            DatasetDescriptor images = DatasetCatalog.Describe(dataset);
            using Network model = ModelCatalog.Describe(teacher.Model).Build(teacher.Model, images.Image, images.Classes);
            WeightSet weights = isKnown ? Checkpoint.Fitting(model, file) : Checkpoint.Check(model, file);
            return new(
                null,
                file.Sets.Count > 1 || weights.IsAverage ? weights.Place : "",
                [.. DifferencesOf(CheckpointOrigin.Of(file), KnownTeacherCatalog.Of(teacher, workspace), dataset, precision, workspace)]
            );
        }
        catch (InvalidDataException error)
        {
            return new($"The teacher {teacher.Model.Name} cannot be used. {error.Message}", "", []);
        }
        catch (MissingException error)
        {
            return new(error.Message, "", []);
        }
    }

    private static IEnumerable<string> DifferencesOf(
        CheckpointOrigin origin,
        KnownTeacher? known,
        DatasetSpec dataset,
        Precision precision,
        Workspace workspace
    )
    {
        if (origin.Dataset is null)
        {
            if (known is not null && known.Dataset != dataset.Name)
                yield return $"dataset {known.Dataset}, here {NameOf(dataset)}";
            yield break;
        }
        DatasetDescriptor before = DatasetCatalog.Describe(origin.Dataset);
        DatasetDescriptor now = DatasetCatalog.Describe(dataset);
        if (PlaceOf(origin.Dataset, workspace) != PlaceOf(dataset, workspace))
            yield return $"dataset {NameOf(origin.Dataset)}, here {NameOf(dataset)}";
        if (before.Classes != now.Classes)
            yield return $"{before.Classes} classes, here {now.Classes}";
        if (before.Image != now.Image)
            yield return $"images of {Size(before)}, here {Size(now)}";
        if (!before.Normalization.Equals(now.Normalization))
            yield return $"normalisation {Text(before.Normalization)}, here {Text(now.Normalization)}";
        if (origin.Precision != precision)
            yield return $"precision {SpecJson.NameOf(origin.Precision)}, here {SpecJson.NameOf(precision)}";
    }

    private static string NameOf(DatasetSpec dataset) => PythonText.Visible(dataset.Folder ?? dataset.Name);

    private static string PlaceOf(DatasetSpec dataset, Workspace workspace) =>
        dataset.Folder is string folder ? workspace.Resolve(folder) : dataset.Name;

    private static string Size(DatasetDescriptor dataset) => $"{dataset.Image.Channels}x{dataset.Image.Height}x{dataset.Image.Width}";

    private static string Text(NormalizationSpec normalization) => $"mean {Text(normalization.Mean)}, std {Text(normalization.Std)}";

    private static string Text(IReadOnlyList<double> values) =>
        string.Join(" ", values.Select(value => value.ToString("G4", CultureInfo.InvariantCulture)));
}
