using ChannelDistillation.Models;
using ChannelDistillation.Records;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Teachers;

/// <summary>Weights from a file into a model, all or nothing.</summary>
public static class Checkpoint
{
    /// <param name="path">A safetensors file.</param>
    /// <exception cref="InvalidDataException">Not such a file, damaged, or weights of another model; the message says which tensors differ.</exception>
    public static void LoadInto(Backbone model, string path)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        IReadOnlyDictionary<string, Tensor> saved = Safetensors.Read(path).Tensors;
        Dictionary<string, Tensor> wanted = model.state_dict();
        string[] wrong =
        [
            .. wanted.Keys.Except(saved.Keys).Select(name => $"`{name}` is missing"),
            .. saved.Keys.Except(wanted.Keys).Select(name => $"`{name}` is not part of the model"),
            .. wanted
                .Where(entry => saved.TryGetValue(entry.Key, out Tensor? tensor) && !tensor.shape.SequenceEqual(entry.Value.shape))
                .Select(entry => $"`{entry.Key}` is {Shape(saved[entry.Key])} and should be {Shape(entry.Value)}"),
        ];
        if (wrong.Length > 0)
            throw new InvalidDataException(
                $"{path} does not hold the weights of this model ({model.GetName()}): {string.Join(", ", wrong.Take(3))}{(wrong.Length > 3 ? $", and {wrong.Length - 3} more" : "")}."
            );
        foreach (var (name, tensor) in wanted)
            tensor.copy_(saved[name]);
    }

    private static string Shape(Tensor tensor) => $"[{string.Join(", ", tensor.shape)}]";
}
