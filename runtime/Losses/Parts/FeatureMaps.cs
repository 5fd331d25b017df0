using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>How methods compare maps of different sizes: the larger one is averaged down to the smaller one.</summary>
internal static class FeatureMaps
{
    /// <summary>A student's map, [batch, channels, height, width], no larger than the teacher's; adaptive average pooling.</summary>
    public static Tensor Within(this Tensor student, Tensor teacher) => Pool(student, teacher.shape) ?? student;

    /// <summary>The teacher's stage output, no larger than the student's; made once per size.</summary>
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
    /// Adaptive average pooling, [batch, channels, height, width]. Where the sizes divide it is plain average pooling, whose backward pass is
    /// deterministic on CUDA; that of the adaptive one is not.
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
