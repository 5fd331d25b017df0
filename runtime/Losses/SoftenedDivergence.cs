using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// KL(p_t || p_s) of each sample, where p = softmax(logits / T): the part that every logit-matching loss shares. Made from
/// logarithms of probabilities, so a teacher's probability that underflows to 0 adds exactly 0.
/// </summary>
public sealed class SoftenedDivergence(double temperature)
{
    // Converting a double to a Scalar at every step would leave a native object to the finalizer each time.
    private readonly Scalar temperatureScalar = temperature;
    private readonly Scalar squaredTemperature = temperature * temperature;

    /// <summary>T^2 times a loss, which gives gradients of a size that hardly depends on T (Hinton et al., section 2).</summary>
    public Tensor Rescale(Tensor loss) => temperature == 1 ? loss : loss.mul(squaredTemperature);

    /// <summary>[batch].</summary>
    /// <param name="student">Logits, [batch, classes], with gradients.</param>
    /// <param name="teacher">The same batch's; its softened probabilities are shared by all losses of this temperature.</param>
    public Tensor PerSample(Tensor student, TeacherSignals teacher)
    {
        Tensor logTeacher = teacher.Derive($"log probabilities at temperature {temperature:R}", () => LogProbabilities(teacher.Logits));
        Tensor probabilities = teacher.Derive($"probabilities at temperature {temperature:R}", () => logTeacher.exp());
        return (probabilities * (logTeacher - LogProbabilities(student))).sum(1);
    }

    private Tensor LogProbabilities(Tensor logits)
    {
        if (temperature == 1)
            return logits.log_softmax(1);
        using var softened = logits.div(temperatureScalar);
        return softened.log_softmax(1);
    }
}
