using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using ChannelDistillation.Core;
using ChannelDistillation.Models.Layers;
using ChannelDistillation.Specs;
using ChannelDistillation.TorchScript;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>
/// A network from Python. Its initial weights are those of the file, and its state has the names of the Python module. It always computes all of its
/// outputs, because `forward` does.
/// </summary>
public sealed class ScriptedNetwork : Network
{
    /// <summary>Output shapes that a file does not state, by its content.</summary>
    private static readonly ConcurrentDictionary<string, IReadOnlyList<IReadOnlyList<int>>> Measured = new();

    private readonly LoadedModule module;
    private readonly NetworkDescription description;

    private ScriptedNetwork(LoadedModule module, NetworkDescription description)
        : base(module.File.Name)
    {
        (this.module, this.description) = (module, description);
        register_module(nameof(module), module);
    }

    /// <summary>The model of an archive; loads and runs it if it does not state the shapes of its outputs.</summary>
    /// <exception cref="InvalidDataException">The archive cannot be used.</exception>
    public static ModelDescriptor Describe(TorchScriptFile file)
    {
        NetworkDescription description = WithShapes(file, Archive.Read(file.Path, file.Name).Network);
        IReadOnlyList<FeatureShape> features = description.Features!;
        return new()
        {
            Name = file.Name,
            Doc = "A network from Python",
            Source = file.Sha256,
            Stems = [Stem.Cifar],
            Stages = [.. features.Select(shape => (shape.Channels, 1))],
            Shapes = _ => features,
            EmbeddingChannels = description.EmbeddingWidth ?? 0,
            Create = options => Load(file, options),
        };
    }

    /// <summary>Whether the file states everything, so that <see cref="Describe"/> does not run it.</summary>
    public static bool StatesShapes(TorchScriptFile file) => Archive.Read(file.Path, file.Name).Network.KnowsShapes;

    public override void ComputeIn(Precision precision, bool isFrozen = false)
    {
        if (precision != Precision.Float32)
            throw new InvalidDataException($"{module.File.Name} supports only float32. Remove `precision: bfloat16`.");
    }

    public override ModelOutput Run(Tensor images, Taps taps)
    {
        IReadOnlyList<Tensor> outputs = module.Call(images);
        int stages = description.Stages;
        var features = new Tensor?[stages];
        var means = new Tensor?[stages];
        for (int stage = 0; stage < stages; stage++)
        {
            Tensor maps = outputs[description.IndexOfStage(stage)];
            features[stage] = taps.HasStage(stage) ? maps : null;
            means[stage] = taps.HasStageMeans(stage) ? maps.ChannelMeans() : null;
        }
        return new(
            taps.HasLogits ? outputs[description.IndexOf(NetworkDescription.Logits)] : null,
            features,
            taps.HasEmbedding && description.HasEmbedding ? outputs[description.IndexOf(NetworkDescription.Embedding)] : null,
            channelMeans: means
        );
    }

    /// <summary>Stores the weights of its convolutions in a layout.</summary>
    internal void Arrange(TensorLayout layout) => module.Arrange(layout);

    public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null) =>
        module.state_dict(destination, prefix);

    public override IEnumerable<(string name, TorchSharp.Modules.Parameter parameter)> named_parameters(bool recurse = true) =>
        module.named_parameters(recurse);

    public override IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true) =>
        module.named_buffers(recurse, include_nonpersistent);

    /// <exception cref="InvalidDataException">Its outputs differ from its description, or do not fit these images and classes.</exception>
    private static ScriptedNetwork Load(TorchScriptFile file, BackboneOptions options)
    {
        NetworkDescription description = Archive.Read(file.Path, file.Name).Network;
        LoadedModule module = LoadedModule.Load(file);
        try
        {
            RequireFinite(module);
            if (options.Image is ImageShape image)
                Check(file, description, Probe(module, description, image), options.Classes);
            return new(module, description);
        }
        catch
        {
            module.Dispose();
            throw;
        }
    }

    /// <summary>Buffers other than BatchNorm's statistics may be infinite on purpose, as masks of attention are.</summary>
    private static void RequireFinite(LoadedModule module)
    {
        using var scope = NewDisposeScope();
        foreach (var (name, value) in module.state_dict())
        {
            bool isWeight = value.requires_grad || name.EndsWith("running_mean") || name.EndsWith("running_var");
            if (isWeight && value.is_floating_point() && !value.isfinite().all().item<bool>())
                throw new InvalidDataException(
                    $"{module.File.Name} contains infinite or NaN values in `{name}`. Training may have diverged before it was exported."
                );
        }
    }

    private static NetworkDescription WithShapes(TorchScriptFile file, NetworkDescription description) =>
        description.KnowsShapes
            ? description
            : description with
            {
                Shapes = Measured.GetOrAdd(
                    file.Sha256,
                    _ =>
                    {
                        using LoadedModule module = LoadedModule.Load(file);
                        return Probe(module, description, description.Image!.Value);
                    }
                ),
            };

    /// <summary>Shapes of the outputs without the batch dimension, measured with black images in evaluation mode.</summary>
    private static IReadOnlyList<IReadOnlyList<int>> Probe(LoadedModule module, NetworkDescription description, ImageShape image)
    {
        const int batch = 2;
        string name = module.File.Name;
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        module.eval();
        IReadOnlyList<Tensor> outputs;
        try
        {
            outputs = module.Call(zeros(batch, image.Channels, image.Height, image.Width));
        }
        catch (ExternalException error)
        {
            throw new InvalidDataException(
                $"{error.Message.Split('\n')[0]} Its input was images of {image.Channels}x{image.Height}x{image.Width}.",
                error
            );
        }
        if (outputs.Count != description.Outputs.Count)
            throw new InvalidDataException(
                $"{name} returns {outputs.Count} tensors, but its description lists {NetworkDescription.Listed(description.Outputs)}."
            );
        foreach (var (output, tensor) in description.Outputs.Zip(outputs))
        {
            int dimensions = NetworkDescription.IsStage(output) ? 4 : 2;
            if (tensor.dim() != dimensions || tensor.shape[0] != batch || tensor.dtype != ScalarType.Float32)
                throw new InvalidDataException(
                    $"{name} returns `{output}` as {tensor.dtype} [{string.Join(", ", tensor.shape)}] for {batch} images; it must be Float32 with {dimensions} dimensions, the batch first."
                );
        }
        return [.. outputs.Select(tensor => tensor.shape.Skip(1).Select(size => (int)size).ToArray())];
    }

    private static void Check(TorchScriptFile file, NetworkDescription description, IReadOnlyList<IReadOnlyList<int>> shapes, int classes)
    {
        int own = shapes[description.IndexOf(NetworkDescription.Logits)][0];
        if (own != classes)
            throw new InvalidDataException($"{file.Name} has {own} logits, but the dataset has {classes} classes. Export it with {classes} outputs.");
        if (description.Shapes is { } stated && stated.Zip(shapes).FirstOrDefault(pair => !pair.First.SequenceEqual(pair.Second)).First is not null)
            throw new InvalidDataException($"{file.Name} returns shapes that differ from its description. Export it again.");
    }
}
