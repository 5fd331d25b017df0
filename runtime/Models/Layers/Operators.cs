using ChannelDistillation.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Models.Layers;

/// <summary>
/// The functions that networks compute with besides their layers. Each records itself in the <see cref="ForwardTrace"/>; a function that is missing here would
/// be missing from an exported network.
/// </summary>
internal static class Operators
{
    /// <summary>max(x, 0), in a new tensor.</summary>
    public static Tensor Relu(this Tensor values) => ForwardTrace.Record(new Operator.Rectify(), values.relu(), values);

    /// <summary>max(x, 0), in place.</summary>
    public static Tensor ReluInPlace(this Tensor values) => ForwardTrace.Record(new Operator.Rectify(), values.relu_(), values);

    /// <summary>sum += other, in place.</summary>
    public static Tensor AddInPlace(this Tensor sum, Tensor other) => ForwardTrace.Record(new Operator.Add(), sum.Increase(other), sum, other);

    /// <summary>The sum, in a new tensor.</summary>
    public static Tensor Plus(this Tensor values, Tensor other) => ForwardTrace.Record(new Operator.Add(), values + other, values, other);

    /// <summary>The channels of both, in a new tensor.</summary>
    public static Tensor Concatenate(Tensor first, Tensor second) =>
        ForwardTrace.Record(new Operator.Concatenate(), cat([first, second], 1), first, second);

    /// <summary>A view of some channels.</summary>
    public static Tensor Channels(this Tensor maps, long start, long count) =>
        ForwardTrace.Record(new Operator.Slice(start, count), maps.narrow(1, start, count), maps);

    public static Tensor MaxPool(this Tensor maps, long size, long stride, long padding = 0) =>
        ForwardTrace.Record(new Operator.MaxPool(size, stride, padding), nn.functional.max_pool2d(maps, size, stride, padding), maps);

    public static Tensor AveragePool(this Tensor maps, long size, long stride, long padding) =>
        ForwardTrace.Record(new Operator.AveragePool(size, stride, padding), nn.functional.avg_pool2d(maps, size, stride, padding), maps);

    /// <summary>Global average of each channel, [batch, channels], in float32: means over thousands of values need more bits than the values.</summary>
    public static Tensor ChannelMeans(this Tensor maps) =>
        ForwardTrace.Record(
            new Operator.ChannelMeans(),
            maps.dtype == ScalarType.BFloat16 ? maps.mean([2, 3], type: ScalarType.Float32) : maps.mean([2, 3]),
            maps
        );

    /// <summary>
    /// Shuffles channels between groups (Zhang et al., ShuffleNet, arXiv 1707.01083, section 3.1): channel j of group i becomes channel i of group j, by
    /// transposing the channels as a table of <paramref name="groups"/> rows. The result has the layout of the maps.
    /// </summary>
    public static Tensor Shuffle(this Tensor maps, int groups) => ForwardTrace.Record(new Operator.Shuffle(groups), Shuffled(maps, groups), maps);

    private static Tensor Shuffled(Tensor maps, int groups)
    {
        long[] shape = maps.shape;
        if (maps.stride(1) != 1)
        {
            using Tensor table = maps.reshape(shape[0], groups, shape[1] / groups, shape[2], shape[3]);
            using Tensor transposed = table.transpose(1, 2);
            return transposed.reshape(shape);
        }
        using Tensor last = maps.permute(0, 2, 3, 1);
        using Tensor rows = last.reshape(shape[0], shape[2], shape[3], groups, shape[1] / groups);
        using Tensor columns = rows.transpose(3, 4);
        using Tensor mixed = columns.reshape(shape[0], shape[2], shape[3], shape[1]);
        return mixed.permute(0, 3, 1, 2);
    }
}
