using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>Comparison of maps of different sizes: the larger one is average-pooled to the size of the smaller one.</summary>
internal static class FeatureMaps
{
    /// <summary>A student's map [batch, channels, height, width], pooled to at most the teacher's size.</summary>
    public static Tensor Within(this Tensor student, Tensor teacher) => Pool(student, teacher.shape) ?? student;

    /// <summary>The teacher's stage output, pooled to at most the student's size; computed once per size.</summary>
    public static Tensor FeatureWithin(this TeacherSignals teacher, int stage, Tensor student)
    {
        long[] limit = student.shape;
        Tensor feature = teacher.Features[stage];
        return Fits(feature.shape, limit)
            ? feature
            : teacher.Derive($"stage {stage} within {limit[2]}x{limit[3]}", () => Pool(teacher.Features[stage], limit)!);
    }

    /// <summary>The sum of a loss over the stages.</summary>
    public static Tensor SumOverStages(int stages, Func<int, Tensor> loss) =>
        Enumerable.Range(0, stages).Select(loss).Aggregate((sum, stage) => sum + stage);

    private static Tensor? Pool(Tensor map, long[] limit)
    {
        long[] shape = map.shape;
        return Fits(shape, limit) ? null : map.AveragedTo(Math.Min(shape[2], limit[2]), Math.Min(shape[3], limit[3]));
    }

    /// <summary>
    /// Adaptive average pooling, [batch, channels, height, width]. If the sizes divide evenly it uses plain average pooling, whose backward pass,
    /// unlike that of adaptive pooling, is deterministic on CUDA.
    /// </summary>
    public static Tensor AveragedTo(this Tensor map, long height, long width)
    {
        long[] shape = map.shape;
        return shape[2] % height == 0 && shape[3] % width == 0
            ? nn.functional.avg_pool2d(map, [shape[2] / height, shape[3] / width])
            : nn.functional.adaptive_avg_pool2d(map, [height, width]);
    }

    private static bool Fits(long[] shape, long[] limit) => shape[2] <= limit[2] && shape[3] <= limit[3];
}
