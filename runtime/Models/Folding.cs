using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>
/// Folds BatchNorm into convolutions: with fixed statistics it is a factor and an offset per channel, which the preceding convolution can include. This saves a
/// pass over every activation. Jacob et al., arXiv 1712.05877, section 3.2.
/// </summary>
public static class Folding
{
    /// <summary>
    /// Folds every BatchNorm that directly follows a convolution of the same block into it. (A BatchNorm on a block's input is not folded, because
    /// a shortcut may read the input too, as in wide ResNets.) Outputs stay the same within rounding. The network can no longer be
    /// trained, and its state differs from the one that was loaded.
    /// </summary>
    /// <param name="network">In evaluation mode.</param>
    /// <param name="images">Any batch, [batch, channels, height, width]; its first image is used to trace the layers.</param>
    /// <returns>Number of folded BatchNorms.</returns>
    public static int Fold(Network network, Tensor images)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        Tensor one = images.narrow(0, 0, 1);
        using var trace = new ForwardTrace(one);
        network.Run(one);
        (Convolution Convolution, BatchNorm Norm)[] pairs =
        [
            .. Normalised(trace)
                .Where(pair => Parents(network).Any(parent => parent.children().Contains(pair.Convolution) && parent.children().Contains(pair.Norm))),
        ];
        foreach (var (convolution, norm) in pairs)
            norm.FoldInto(convolution);
        return pairs.Length;
    }

    /// <summary>Convolutions whose output is the input of a BatchNorm.</summary>
    private static IEnumerable<(Convolution Convolution, BatchNorm Norm)> Normalised(ForwardTrace trace)
    {
        var convolutions = new Dictionary<int, Convolution>();
        foreach (TracedStep step in trace.Steps)
        {
            if (step.Operator is Operator.Convolve(var convolution))
                convolutions[step.Output] = convolution;
            else if (step.Operator is Operator.Normalise(var norm) && convolutions.TryGetValue(step.Inputs[0], out Convolution? before))
                yield return (before, norm);
        }
    }

    private static IEnumerable<nn.Module> Parents(nn.Module network) => network.modules().Prepend(network);
}
