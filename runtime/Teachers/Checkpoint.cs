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
            if (read.is_floating_point() && !read.isfinite().all().item<bool>())
                throw new InvalidDataException(
                    $"{file.Path} contains infinite or NaN values in `{entry.Name}`. Training may have diverged before it was written."
                );
            wanted[entry.Name].copy_(read);
        }
        return weights;
    }

    private static WeightSet Fitting(Network model, CheckpointFile file)
    {
        IReadOnlyDictionary<string, long[]> shapes = ModelFit.ShapesOf(model);
        var compared = file.Sets.Select(set => (Set: set, Difference: StateDifference.Between(set, shapes))).OrderBy(pair => pair.Difference.Count);
        var (nearest, difference) = compared.First();
        if (difference.Count == 0)
            return nearest;
        string what = $"{file.Path} does not contain the weights of this model ({model.GetName()}): {difference.InWords()}.";
        ModelFit? fit = ModelFit.Rank(nearest).FirstOrDefault(fit => fit.IsExact);
        throw new InvalidDataException(fit is null ? what : $"{what} They are the weights of {fit.InWords}.");
    }
}
