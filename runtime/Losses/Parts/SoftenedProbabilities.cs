using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>p = softmax(logits / T), and its logarithm; what the teacher's come to is shared by all losses of the same temperature.</summary>
public sealed class SoftenedProbabilities(double temperature)
{
    /// <summary>The parameter of every loss that softens.</summary>
    public static ParameterDescriptor Temperature(double standard) =>
        new ParameterDescriptor.Number(
            "temperature",
            standard,
            "T: the higher, the more the small probabilities count.",
            Minimum: 0,
            AboveMinimum: true
        );

    /// <summary>log p of logits [batch, classes].</summary>
    public Tensor Log(Tensor logits)
    {
        if (temperature == 1)
            return logits.log_softmax(1);
        using var softened = logits / temperature;
        return softened.log_softmax(1);
    }

    /// <summary>log p of the teacher.</summary>
    public Tensor Log(TeacherSignals teacher) => teacher.Derive($"log probabilities at temperature {temperature:R}", () => Log(teacher.Logits));

    /// <summary>p of the teacher.</summary>
    public Tensor Of(TeacherSignals teacher)
    {
        Tensor log = Log(teacher);
        return teacher.Derive($"probabilities at temperature {temperature:R}", () => log.exp());
    }
}
