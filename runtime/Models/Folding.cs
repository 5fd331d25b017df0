using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models;

/// <summary>
/// BatchNorm with fixed statistics is a factor and a number per channel: both can be part of the convolution before it, and a pass over
/// every activation is saved. Jacob et al., arXiv 1712.05877, section 3.2.
/// </summary>
public static class Folding
{
    /// <summary>
    /// Folds every BatchNorm that directly follows a convolution of the same block into it. (What a block is given may be read by its
    /// shortcut too, as in wide ResNets: that is left as it is.) The network answers as before, within rounding; it can no longer be
    /// trained, and its state is no longer what it was loaded from.
    /// </summary>
    /// <param name="network">In evaluation mode.</param>
    /// <param name="images">Any batch, [batch, channels, height, width]: a pass of its first image shows what follows what.</param>
    /// <returns>How many were folded.</returns>
    public static int Fold(Network network, Tensor images)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using var trace = new ForwardTrace();
        network.Run(images.narrow(0, 0, 1));
        (Convolution Convolution, BatchNorm Norm)[] pairs =
        [
            .. trace.Normalised.Where(pair =>
                Parents(network).Any(parent => parent.children().Contains(pair.Convolution) && parent.children().Contains(pair.Norm))
            ),
        ];
        foreach (var (convolution, norm) in pairs)
            norm.FoldInto(convolution);
        return pairs.Length;
    }

    private static IEnumerable<nn.Module> Parents(nn.Module network) => network.modules().Prepend(network);
}
