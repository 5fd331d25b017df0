using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// How losses on logits soften them: z / T, where z is the raw logits or logits standardised per sample, and T is fixed or trained.
/// Logit standardisation (Sun et al., arXiv 2403.01427; epsilon and the divisor K - 1 of its code): z = (logits - mean) / (std + 1e-7).
/// </summary>
public sealed class Softening
{
    private const double Epsilon = 1e-7;

    private readonly double temperature;
    private readonly bool isStandardized;
    private readonly TrainedTemperature? trained;

    /// <summary>The parameters of a loss with softening.</summary>
    /// <param name="temperature">Default of T.</param>
    public static IReadOnlyList<ParameterDescriptor> Options(double temperature) => [Temperature(temperature), Standardize];

    /// <summary>The same for a loss whose temperature can be trained.</summary>
    public static IReadOnlyList<ParameterDescriptor> TrainableOptions(double temperature) => [.. Options(temperature), TrainedTemperature.Option];

    /// <summary>The parameter T only.</summary>
    public static ParameterDescriptor Temperature(double standard, string name = "temperature") =>
        new ParameterDescriptor.Number(name, standard, "T; higher values give more weight to small probabilities.", Minimum: 0, AboveMinimum: true);

    /// <summary>The parameter for logit standardisation only.</summary>
    public static ParameterDescriptor.Flag Standardize { get; } =
        new("standardize", false, "Logit standardisation: subtract each sample's mean logit and divide by the standard deviation.");

    /// <param name="context">The context of a loss with these parameters.</param>
    public Softening(LossContext context)
        : this(context.Parameters, context.Parameters.Number("temperature"))
    {
        if (context.Parameters.Flag(TrainedTemperature.Option.Name))
            trained = new TrainedTemperature(context.Epochs);
    }

    /// <param name="parameters">Determine whether logits are standardised.</param>
    /// <param name="temperature">A fixed temperature.</param>
    public Softening(Parameters parameters, double temperature)
    {
        this.temperature = temperature;
        isStandardized = parameters.Flag(Standardize.Name);
    }

    /// <summary>The trained temperature; null if it is fixed.</summary>
    public nn.Module? Auxiliary => trained;

    /// <summary>The softened logits of a batch.</summary>
    public Softened Of(LossInput input)
    {
        TeacherSignals teacher = input.Teacher!;
        if (trained is null)
        {
            string how = $"logits{(isStandardized ? ", standardised" : "")} at temperature {temperature:R}";
            Tensor softened = teacher.Derive(how, () => Divide(Standardized(teacher.Logits)));
            return new(
                Divide(Standardized(input.Student.Logits)),
                (what, make) => teacher.Derive($"{what} of {how}", () => make(softened)),
                loss => temperature == 1 ? loss : loss * (temperature * temperature)
            );
        }
        // The gradient of T also flows through the teacher's logits, so they cannot be shared.
        Tensor t = trained.At(input.Epoch);
        Tensor own = Standardized(teacher.Logits) / t;
        return new(Standardized(input.Student.Logits) / t, (_, make) => make(own), loss => loss * t.square().squeeze());
    }

    private Tensor Standardized(Tensor logits) =>
        isStandardized ? (logits - logits.mean([1], keepdim: true)) / (logits.std(1, unbiased: true, keepdim: true) + Epsilon) : logits;

    private Tensor Divide(Tensor logits) => temperature == 1 ? logits : logits / temperature;
}

/// <summary>The softened logits of one batch.</summary>
/// <param name="Student">z_s / T, [batch, classes], with gradients.</param>
/// <param name="OfTeacher">A tensor computed from z_t / T, with a name; computed once for all losses with the same softening.</param>
/// <param name="Rescale">Multiplies a loss by T^2, so that the size of gradients hardly depends on T (Hinton et al., section 2).</param>
public sealed record Softened(Tensor Student, Func<string, Func<Tensor, Tensor>, Tensor> OfTeacher, Func<Tensor, Tensor> Rescale)
{
    /// <summary>log p of the student, p = softmax(z / T), [batch, classes].</summary>
    public Tensor StudentLog => Student.log_softmax(1);

    /// <summary>log p of the teacher.</summary>
    public Tensor TeacherLog => OfTeacher("log probabilities", logits => logits.log_softmax(1));

    /// <summary>p of the teacher.</summary>
    public Tensor TeacherProbabilities => Probabilities(TeacherLog);

    /// <summary>KL(p_t || p_s) of each sample, [batch]. Computed from logarithms, so that a teacher's probability that underflows contributes exactly 0.</summary>
    public Tensor Divergence()
    {
        Tensor log = TeacherLog;
        return (Probabilities(log) * (log - StudentLog)).sum(1);
    }

    /// <summary>-p_t[label] log p_s[label] of each sample, [batch].</summary>
    /// <param name="labels">[batch, 1], int64.</param>
    public Tensor CrossEntropyOfLabel(Tensor labels) =>
        -(OfTeacher("probability of the label", logits => logits.softmax(1).gather(1, labels)) * StudentLog.gather(1, labels)).squeeze(1);

    private Tensor Probabilities(Tensor log) => OfTeacher("probabilities", _ => log.exp());
}
