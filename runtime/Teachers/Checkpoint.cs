using ChannelDistillation.Checkpoints;
using ChannelDistillation.Core;
using ChannelDistillation.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Teachers;

/// <summary>Loads weights from a file into a model. Mismatches are found before anything is copied.</summary>
public static class Checkpoint
{
    /// <param name="path">A checkpoint of any format; see docs/checkpoints.md.</param>
    /// <exception cref="InvalidDataException">The file is not a checkpoint, is damaged, or contains another model's weights; the message says what differs.</exception>
    public static void LoadInto(Network model, string path)
    {
        using CheckpointFile file = CheckpointFile.Open(path);
        LoadInto(model, file);
    }

    /// <summary>
    /// Copies one tensor at a time, so that at most one is in memory beside the model. Other floating-point
    /// types become float32.
    /// </summary>
    /// <returns>The loaded weights: the first set that fits, if the file contains several networks.</returns>
    /// <exception cref="InvalidDataException">The weights belong to another model, are damaged, infinite or NaN; the message says what differs.</exception>
    public static WeightSet LoadInto(Network model, CheckpointFile file)
    {
        using var noGradient = no_grad();
        Dictionary<string, Tensor> wanted = model.state_dict();
        WeightSet weights = Fitting(model, file);
        file.Verify();
        foreach (TensorEntry entry in weights.Tensors)
        {
            using var scope = NewDisposeScope();
            Tensor read = file.Read(entry);
            if (!CheckpointFile.IsFinite(read))
                throw file.NonFinite(entry);
            wanted[entry.Name].copy_(read);
        }
        return weights;
    }

    /// <summary>Does what <see cref="LoadInto(Network, CheckpointFile)"/> does, except that it copies nothing.</summary>
    /// <returns>The weights that would be loaded.</returns>
    /// <exception cref="InvalidDataException">They cannot be loaded; the message says why.</exception>
    public static WeightSet Check(Network model, CheckpointFile file)
    {
        WeightSet weights = Fitting(model, file);
        file.Verify();
        return file.FirstNonFinite(weights) is TensorEntry broken ? throw file.NonFinite(broken) : weights;
    }

    /// <summary>The weights in a file that fit a model, by their names, shapes and types.</summary>
    /// <exception cref="InvalidDataException">None fit; the message says what differs.</exception>
    public static WeightSet Fitting(Network model, CheckpointFile file)
    {
        IReadOnlyDictionary<string, long[]> shapes = ModelFit.ShapesOf(model);
        var compared = file.Sets.Select(set => (Set: set, Difference: StateDifference.Between(set, shapes))).OrderBy(pair => pair.Difference.Count);
        var (nearest, difference) = compared.First();
        if (difference.Count == 0)
            return nearest;
        string what = $"{file.Path} does not contain the weights of this model ({model.GetName()}): {difference.InWords()}.";
        ModelFit closest = ModelFit.Rank(nearest)[0];
        // Of the model itself, the surplus has just been named. A deeper model may contain all of a shallower one.
        bool isSame = closest.Model.Name == model.GetName() && difference.IsSurplusOnly;
        string owner = closest.Contained is string contained && !isSame ? $" They are the weights of {contained}." : "";
        string? remedy = closest.IsExact || (difference.IsSurplusOnly && !isSame) ? null : file.Remedy(nearest, difference);
        throw new InvalidDataException(what + owner + (remedy is null ? "" : $"\n{remedy}"));
    }
}
