using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// KL(p_t || p_s) of each sample, where p = softmax(logits / T): the part that the losses of knowledge distillation share. Made from
/// logarithms of probabilities, so a teacher's probability that underflows to 0 adds exactly 0.
/// </summary>
public sealed class SoftenedDivergence(double temperature)
{
    private readonly SoftenedProbabilities probabilities = new(temperature);

    /// <summary>T^2 times a loss, which gives gradients of a size that hardly depends on T (Hinton et al., section 2).</summary>
    public Tensor Rescale(Tensor loss) => temperature == 1 ? loss : loss * (temperature * temperature);

    /// <summary>[batch].</summary>
    /// <param name="student">Logits, [batch, classes], with gradients.</param>
    /// <param name="teacher">The same batch's.</param>
    public Tensor PerSample(Tensor student, TeacherSignals teacher) =>
        (probabilities.Of(teacher) * (probabilities.Log(teacher) - probabilities.Log(student))).sum(1);
}
