using System.Text.Json.Nodes;
using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Losses;
using ChannelDistillation.Models;
using ChannelDistillation.Models.Layers;
using ChannelDistillation.Specs;
using static TorchSharp.torch;

namespace ChannelDistillation.Teachers.Signals;

/// <summary>
/// Cached teacher outputs for training images, under the workspace's cache folder: one folder per combination of
/// teacher weights, images and augmentation. All of it can be recomputed.
/// </summary>
public static class SignalCache
{
    /// <summary>Whether the cache can serve a loss: not if it needs whole feature maps.</summary>
    public static bool IsServed(LossDescriptor loss) => (loss.Needs & TeacherSignal.WholeMaps) == 0;

    /// <summary>Bytes on disk when all teacher outputs that a cohort reads are cached.</summary>
    /// <param name="runs">With one teacher and one dataset.</param>
    /// <param name="images">Images of the training set.</param>
    public static long Size(IReadOnlyList<RunSpec> runs, TeacherSpec teacher, DatasetDescriptor dataset, int images) =>
        SignalKind.OfRuns(runs, teacher.Model, dataset.Classes).Sum(kind => SignalFile.Size((long)images * ViewsOf(runs[0].Dataset), kind.Width));

    /// <summary>The teacher of a cohort with its cached outputs.</summary>
    /// <param name="runs">The cohort's runs.</param>
    /// <param name="content">SHA-256 of the teacher's weights.</param>
    /// <param name="layout">The teacher's memory layout.</param>
    /// <param name="remark">Receives messages about damage, or if nothing can be cached.</param>
    /// <exception cref="ArgumentException">A loss reads outputs that are not cached, or the outputs depend on more than the image. Experiments are validated before this call.</exception>
    internal static ITeacher Open(
        IReadOnlyList<RunSpec> runs,
        TeacherSpec teacher,
        string content,
        TensorLayout layout,
        Dataset dataset,
        Workspace workspace,
        Func<FrozenTeacher> load,
        Action<string> remark
    )
    {
        DatasetSpec spec = runs[0].Dataset;
        AugmentationSpec augmentation = spec.Augmentation ?? dataset.Descriptor.Augmentation;
        if (teacher.BatchNorm == TeacherBatchNorm.BatchStats || augmentation.IsRandom && spec.Views is null)
            throw new ArgumentException("The teacher's outputs for an image differ between epochs.", nameof(teacher));
        IReadOnlyList<SignalKind> kinds = SignalKind.OfRuns(runs, teacher.Model, dataset.Descriptor.Classes);
        string folder = Path.Combine(
            workspace.Cache,
            "teacher-signals",
            KeyOf(runs.First(run => run.Teacher is not null), teacher, content, layout, dataset, augmentation)[..16]
        );
        int views = ViewsOf(spec);
        try
        {
            var store = new SignalStore(folder, kinds, dataset.Training.Count, views, remark);
            return new CachedTeacher(store, load, views, kinds.Aggregate(default(Taps), (all, kind) => all | kind.Taps), remark);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            remark($"The teacher's outputs cannot be cached in {folder}: {error.Message} The teacher runs on every batch.");
            return load();
        }
    }

    private static int ViewsOf(DatasetSpec dataset) => dataset.Views ?? 1;

    /// <summary>Hashes everything that the outputs depend on; the teacher is identified by its weights, not their path.</summary>
    internal static string KeyOf(
        RunSpec run,
        TeacherSpec teacher,
        string content,
        TensorLayout layout,
        Dataset dataset,
        AugmentationSpec augmentation
    ) =>
        SpecJson.HashOf(json =>
        {
            json.WriteStartObject();
            json.WriteString("teacher", content);
            json.WriteString("code", TrainingCode.OfTeacher(teacher.Model));
            SpecJson.Write(json, "model", teacher.Model);
            SpecJson.Write(
                json,
                run.Dataset with
                {
                    Augmentation = augmentation.IsRandom ? augmentation : AugmentationSpec.None,
                    Normalization = run.Dataset.Normalization ?? dataset.Descriptor.Normalization,
                }
            );
            json.WriteString("fingerprint", dataset.Fingerprint());
            if (augmentation.IsRandom)
                json.WriteNumber("seed", run.DataSeed);
            if (run.Train.Precision != Precision.Float32)
                json.WriteString("precision", SpecJson.NameOf(run.Train.Precision));
            // The layout changes the order of summation: a resumed run must learn from identical digits.
            if (layout != TensorLayout.ChannelsLast)
                json.WriteString("layout", TensorLayouts.NameOf(layout));
            json.WriteEndObject();
        });
}
