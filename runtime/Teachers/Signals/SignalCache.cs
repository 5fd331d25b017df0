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
/// What teachers have said of training images, under the workspace's cache folder: a folder for everything that an answer depends on,
/// which is the teacher's weights, the images and how they are varied. All of it can be computed again.
/// </summary>
public static class SignalCache
{
    /// <summary>The part of a loss's needs that no cache can serve.</summary>
    public static bool IsServed(LossDescriptor loss) => (loss.Needs & TeacherSignal.WholeMaps) == 0;

    /// <summary>Bytes on the disk when all is kept that the runs of a cohort read of their teacher.</summary>
    /// <param name="runs">With one teacher and one dataset.</param>
    /// <param name="images">Images of the training set.</param>
    public static long Size(IReadOnlyList<RunSpec> runs, TeacherSpec teacher, DatasetDescriptor dataset, int images) =>
        SignalKind.OfRuns(runs, teacher.Model, dataset.Classes).Sum(kind => SignalFile.Size((long)images * ViewsOf(runs[0].Dataset), kind.Width));

    /// <summary>The teacher of a cohort with what it has said before.</summary>
    /// <param name="runs">The cohort's.</param>
    /// <param name="content">SHA-256 of the teacher's weights.</param>
    /// <param name="layout">What it computes in.</param>
    /// <param name="remark">Told what a person should know: damage, or that nothing can be kept.</param>
    /// <exception cref="ArgumentException">A loss reads what is not kept, or the answers depend on more than the image: experiments are validated before they get here.</exception>
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
            throw new ArgumentException("What this teacher says of an image is not the same in every epoch.", nameof(teacher));
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
            remark($"What the teacher says cannot be kept in {folder}: {error.Message} The teacher is asked about every batch.");
            return load();
        }
    }

    private static int ViewsOf(DatasetSpec dataset) => dataset.Views ?? 1;

    /// <summary>Hashes everything that an answer depends on; the teacher counts by its weights, wherever they lie.</summary>
    private static string KeyOf(
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
            // Sums in another order: a run that is resumed must learn from the same digits.
            if (layout != TensorLayout.ChannelsLast)
                json.WriteString("layout", TensorLayouts.NameOf(layout));
            json.WriteEndObject();
        });
}
