using static TorchSharp.torch;

namespace ChannelDistillation.Models.Layers;

/// <summary>Lets groups of channels mix (Zhang et al., ShuffleNet, arXiv 1707.01083, section 3.1).</summary>
internal static class ChannelShuffle
{
    /// <summary>
    /// [batch, channels, height, width] to the same shape: channel j of group i becomes channel i of group j, all channels seen as a table
    /// of <paramref name="groups"/> rows that is transposed. The result has the layout of the images.
    /// </summary>
    public static Tensor Shuffle(Tensor images, int groups)
    {
        long[] shape = images.shape;
        if (images.stride(1) != 1)
        {
            using Tensor table = images.reshape(shape[0], groups, shape[1] / groups, shape[2], shape[3]);
            using Tensor transposed = table.transpose(1, 2);
            return transposed.reshape(shape);
        }
        using Tensor last = images.permute(0, 2, 3, 1);
        using Tensor rows = last.reshape(shape[0], shape[2], shape[3], groups, shape[1] / groups);
        using Tensor columns = rows.transpose(3, 4);
        using Tensor mixed = columns.reshape(shape[0], shape[2], shape[3], shape[1]);
        return mixed.permute(0, 3, 1, 2);
    }
}
