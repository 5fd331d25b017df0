using System.Globalization;
using ChannelDistillation.Checkpoints;
using ChannelDistillation.Core;
using ChannelDistillation.Data;
using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using ChannelDistillation.Teachers;
using ChannelDistillation.Training;
using Onnx;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Export;

/// <summary>Writes the network of a checkpoint in a format of other programs. The file is moved into place only after it was read back and compared.</summary>
public static class NetworkExport
{
    /// <summary>A run's errors may differ between machines by this many percentage points, and by two images.</summary>
    private const double Reproducible = 1;

    /// <param name="progress">Called with the number of evaluated validation images and the total.</param>
    /// <exception cref="InvalidDataException">The checkpoint is damaged or does not fit, or the class names are wrong.</exception>
    /// <exception cref="MissingException">The dataset or ONNX Runtime is missing.</exception>
    /// <exception cref="ExportMismatchException">The written file computes something else; it was removed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no file remains.</exception>
    public static ExportResult Write(
        CheckpointFile file,
        string path,
        ExportRequest request,
        TrainingOptions options,
        Action<int, int> progress,
        CancellationToken stop
    )
    {
        using var noGradient = no_grad();
        DatasetDescriptor dataset = DatasetCatalog.Describe(request.Dataset);
        using Network network = Load(file, request.Model, dataset);
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && Directory.Exists(folder))
            AtomicFile.RemoveAbandoned(folder);
        if (request.Format != ExportFormat.Onnx)
        {
            IReadOnlyList<string> known = CheckedNames(request, dataset, NamesOf(request.Dataset, dataset, options));
            WriteWeights(network, path, request, known);
            return new(new FileInfo(path).Length, known, null);
        }
        using IImageSet set = DatasetStore.OpenFinal(request.Dataset, options.Workspace);
        IReadOnlyList<string> names = CheckedNames(request, dataset, NamesOf(set, dataset));
        using Network exported = Load(file, request.Model, dataset);
        OutputComparison? comparison = null;
        OnnxFile.Write(
            path,
            Graph(exported, dataset.Image, request),
            ExportMetadata.Of(request, names),
            beside =>
            {
                using var session = new OnnxSession(beside, request.Threads);
                comparison = OutputComparison.Of(network, session, set, request.HasNormalization ? dataset.Normalization : null, progress, stop);
                CheckRecorded(request, comparison);
            }
        );
        foreach (string remark in set.Remarks())
            options.Remark(remark);
        return new(new FileInfo(path).Length, names, comparison);
    }

    /// <summary>The ONNX graph of a network.</summary>
    /// <param name="network">In evaluation mode, on the CPU; BatchNorm is folded into it unless the request keeps it.</param>
    internal static GraphProto Graph(Network network, ImageShape image, ExportRequest request)
    {
        if (!request.KeepsBatchNorm)
        {
            using Tensor images = zeros(1, image.Channels, image.Height, image.Width);
            Folding.Fold(network, images);
        }
        return OnnxGraph.Of(
            network,
            image,
            request.HasFeatures,
            request.HasNormalization ? DatasetCatalog.Describe(request.Dataset).Normalization : null
        );
    }

    private static Network Load(CheckpointFile file, ModelSpec model, DatasetDescriptor dataset)
    {
        Network network = ModelCatalog.Describe(model).Build(model, dataset.Image, dataset.Classes);
        try
        {
            Checkpoint.LoadInto(network, file);
            network.eval();
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    private static void WriteWeights(Network network, string path, ExportRequest request, IReadOnlyList<string> names)
    {
        Dictionary<string, Tensor> state = network.state_dict();
        if (request.Format == ExportFormat.PyTorch)
            PyTorchStateFile.Write(path, state, CompareState);
        else
            SafetensorsFile.Write(path, state, ExportMetadata.Of(request, names), check: CompareState);

        void CompareState(string beside)
        {
            using CheckpointFile written = CheckpointFile.Open(beside);
            written.Verify();
            Dictionary<string, TensorEntry> entries = written.Sets.SelectMany(set => set.Tensors).ToDictionary(entry => entry.Name);
            foreach (var (name, tensor) in state)
            {
                using var scope = NewDisposeScope();
                if (!entries.TryGetValue(name, out TensorEntry? entry) || !written.Read(entry).eq(tensor).all().item<bool>())
                    throw new ExportMismatchException($"`{name}` differs in the written file. The file was removed.");
            }
        }
    }

    /// <summary>The names of the classes without an open dataset. Those of an image folder are in its folders, if it is on this machine.</summary>
    private static IReadOnlyList<string> NamesOf(DatasetSpec spec, DatasetDescriptor dataset, TrainingOptions options)
    {
        if (dataset.ClassNames.Count > 0 || !DatasetStore.Exists(spec, options.Workspace))
            return dataset.ClassNames;
        using IImageSet set = DatasetStore.OpenFinal(spec, options.Workspace);
        return NamesOf(set, dataset);
    }

    private static IReadOnlyList<string> NamesOf(IImageSet set, DatasetDescriptor dataset) =>
        set.ClassNames.Count > 0 ? set.ClassNames : dataset.ClassNames;

    /// <summary>The names of the request if they fit the dataset, otherwise the dataset's own.</summary>
    /// <param name="own">Names that the dataset has; empty if unknown.</param>
    private static IReadOnlyList<string> CheckedNames(ExportRequest request, DatasetDescriptor dataset, IReadOnlyList<string> own)
    {
        if (request.ClassNames is not { } given)
            return own;
        if (given.Count != dataset.Classes)
            throw new InvalidDataException($"The list of class names has {given.Count} names, but the network has {dataset.Classes} classes.");
        if (given.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new InvalidDataException($"The list of class names contains `{twice.Key}` twice.");
        // The dataset's own names in another order would label every image wrongly.
        if (own.ToHashSet().SetEquals(given) && !own.SequenceEqual(given))
        {
            int first = own.Zip(given).TakeWhile(pair => pair.First == pair.Second).Count();
            throw new InvalidDataException(
                $"The list of class names is in another order than the classes of the dataset: class {first} is `{own[first]}`, not `{given[first]}`."
            );
        }
        return given;
    }

    /// <summary>Wrong classes or another normalisation than in training would change the error.</summary>
    private static void CheckRecorded(ExportRequest request, OutputComparison comparison)
    {
        if (request.Recorded is not { } recorded)
            return;
        double limit = Math.Max(Reproducible, 200.0 / comparison.Images);
        if (Math.Abs(comparison.Network.Top1Error - recorded.Top1Error) > limit)
            throw new ExportMismatchException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The network has a top-1 error of {comparison.Network.Top1Error:F2}, but its run recorded {recorded.Top1Error:F2}: the images, their classes or their normalisation are not those that the run was evaluated on. The file was removed."
                )
            );
    }
}
