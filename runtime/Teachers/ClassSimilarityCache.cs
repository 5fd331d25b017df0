using ChannelDistillation.Checkpoints;
using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Losses;
using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using ChannelDistillation.Teachers.Signals;
using static TorchSharp.torch;

namespace ChannelDistillation.Teachers;

/// <summary>
/// A teacher's similarities between classes, computed once from the training images as in an evaluation (not augmented, running statistics) and cached on
/// disk under the same key as the teacher's other outputs.
/// </summary>
/// <param name="run">A run of the cohort, with a teacher.</param>
/// <param name="content">SHA-256 of the teacher's weights.</param>
/// <param name="layout">The teacher's memory layout.</param>
/// <param name="load">Loads the teacher with running statistics.</param>
/// <param name="say">Receives a message before a long computation.</param>
internal sealed class ClassSimilarityCache(
    RunSpec run,
    string content,
    TensorLayout layout,
    Dataset dataset,
    Workspace workspace,
    Device device,
    Func<FrozenTeacher> load,
    Action<string> say
) : IDisposable
{
    /// <summary>Most teacher outputs that are held in memory. If there are more, only the first images of each class are used.</summary>
    private const long MostNumbers = 1L << 30;

    private const string Entry = "similarities";
    private readonly Dictionary<ClassSimilarity, Tensor> known = [];

    /// <summary>Computed when needed, because it depends on the contents of all images.</summary>
    private readonly Lazy<string> key = new(() => SignalCache.KeyOf(run, run.Teacher!, content, layout, dataset, AugmentationSpec.None)[..16]);

    /// <summary>[classes, classes], float32, on the CPU; valid until this object is disposed.</summary>
    /// <exception cref="InvalidDataException">A class has too few training images.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Tensor Of(ClassSimilarity kind, CancellationToken stop)
    {
        if (!known.TryGetValue(kind, out Tensor? similarities))
        {
            similarities = ReadOrMake(kind, stop).DetachFromDisposeScope();
            known.Add(kind, similarities);
        }
        return similarities;
    }

    public void Dispose()
    {
        foreach (Tensor similarities in known.Values)
            similarities.Dispose();
    }

    private Tensor ReadOrMake(ClassSimilarity kind, CancellationToken stop)
    {
        string file = Path.Combine(workspace.Cache, "class-similarities", $"{key.Value}-{kind}.safetensors".ToLowerInvariant());
        if (Read(file) is Tensor cached)
            return cached;
        Tensor made = Make(kind, stop);
        try
        {
            SafetensorsFile.Write(file, [new(Entry, made)], new Dictionary<string, string>());
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            say($"The teacher's class similarities cannot be cached in {file}: {error.Message} They are computed again by the next sweep.");
        }
        return made;
    }

    /// <summary>Null if not cached or damaged; they are computed again.</summary>
    private static Tensor? Read(string file)
    {
        try
        {
            return File.Exists(file) ? SafetensorsFile.Read(file).Tensors.GetValueOrDefault(Entry) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return null;
        }
    }

    private Tensor Make(ClassSimilarity kind, CancellationToken stop)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using FrozenTeacher teacher = load();
        Tensor similarities =
            kind == ClassSimilarity.Classifier
                ? ClassSimilarities.Cosines(teacher.ClassifierRows())
                : ClassSimilarities.Aligned(Outputs(kind, teacher, stop));
        return similarities.cpu().MoveToOuterDisposeScope();
    }

    /// <summary>The outputs for the first images of each class, as many of each as the smallest class has: [classes, images x positions, width].</summary>
    private Tensor Outputs(ClassSimilarity kind, FrozenTeacher teacher, CancellationToken stop)
    {
        int[] labels = dataset.Training.Labels();
        int classes = dataset.Descriptor.Classes;
        int perClass = SmallestClass(labels, classes);
        say($"Computing the teacher's class similarities from the {labels.Length:N0} training images, once for this teacher.");
        int stage = ModelCatalog.Describe(run.Teacher!.Model).Stages.Count - 1;
        Taps taps = kind == ClassSimilarity.Logits ? Taps.Logits : Taps.Stage(stage);
        using var images = new BatchStream(dataset.Training, run.Train.Batch, AugmentationSpec.None, run.DataSeed, shuffle: false, device);
        Tensor? collected = null;
        var seen = new int[classes];
        foreach (Batch batch in images.Epoch(1))
        {
            stop.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            TeacherSignals signals = teacher.Run(batch.Images, batch.Labels, taps);
            // [batch, positions, width]
            Tensor outputs = kind == ClassSimilarity.Logits ? signals.Logits.unsqueeze(1) : signals.Features[stage].flatten(2).transpose(1, 2);
            var (positions, width) = (outputs.shape[1], outputs.shape[2]);
            if (collected is null)
            {
                perClass = (int)Math.Min(perClass, Math.Max(2, MostNumbers / (classes * positions * width)));
                collected = zeros([(long)classes * perClass, positions, width], device: device).MoveToOuterDisposeScope();
            }
            var (from, to) = (new List<long>(), new List<long>());
            for (int i = 0; i < batch.Indices.Length; i++)
            {
                int label = labels[batch.Indices.Span[i]];
                if (seen[label] == perClass)
                    continue;
                from.Add(i);
                to.Add((long)label * perClass + seen[label]++);
            }
            if (to.Count > 0)
                collected.index_copy_(0, tensor(to, device: device), outputs.index_select(0, tensor(from, device: device)));
        }
        return collected!.reshape(classes, -1, collected.shape[2]);
    }

    private static int SmallestClass(int[] labels, int classes)
    {
        var counts = new int[classes];
        foreach (int label in labels)
            counts[label]++;
        int fewest = counts.Min();
        return fewest >= 2
            ? fewest
            : throw new InvalidDataException(
                $"The similarities of classes need at least 2 training images of each class, but class {Array.IndexOf(counts, fewest)} has {fewest}. Set `similarity: classifier`."
            );
    }
}
