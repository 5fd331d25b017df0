using ChannelDistillation.Models;
using ChannelDistillation.Models.Layers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Variational information distillation (Ahn et al., arXiv 1904.05835, section 2.2): the likelihood of the teacher's stage under a Gaussian around
/// a trained function of the student's stage, with one trained variance per channel:
/// sum over stages of mean of (mu(F_s) - F_t)^2 / (2 s^2) + ln(s^2) / 2, s^2 = softplus(alpha) + 1e-5, initially 5.
/// </summary>
public sealed class VariationalInformationLoss : Loss
{
    private const double SmallestVariance = 1e-5;

    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "vid",
            Title = "Variational information distillation",
            Source = "Ahn et al., arXiv 1904.05835; layers and weight of the CRD benchmark, arXiv 1910.10699",
            Formula =
                "sum over stages of mean of (mu(F_s) - F_t)^2 / (2 s^2) + ln(s^2) / 2, mu = three 1x1 convolutions, s^2 = one trained variance per channel",
            Needs = TeacherSignal.Features,
            WhyNotPaired = Pairing.StageWithStage,
            Create = context => new VariationalInformationLoss(context.Features),
        };

    private readonly Prediction[] predictions;
    private readonly Chain all;

    private VariationalInformationLoss(FeaturePair features)
    {
        predictions = [.. features.Student.Zip(features.Teacher, (student, teacher) => new Prediction(student.Channels, teacher.Channels))];
        all = new(predictions);
    }

    public override nn.Module Auxiliary => all;

    public override Taps OfStudent => Taps.Stages(predictions.Length);

    public override Tensor Compute(LossInput input) =>
        FeatureMaps.SumOverStages(
            predictions.Length,
            stage =>
            {
                Tensor target = input.Teacher!.FeatureWithin(stage, input.Student.Features[stage]);
                Prediction prediction = predictions[stage];
                return NegativeLogLikelihood(prediction.forward(input.Student.Features[stage].Within(target)), target, prediction.LogScale);
            }
        );

    /// <summary>The formula for one stage, without the regressor.</summary>
    /// <param name="mean">[batch, channels, height, width], as the target.</param>
    /// <param name="logScale">alpha, [channels].</param>
    public static Tensor NegativeLogLikelihood(Tensor mean, Tensor target, Tensor logScale)
    {
        Tensor variance = (nn.functional.softplus(logScale) + SmallestVariance).reshape(1, -1, 1, 1);
        return ((mean - target).square() / variance + variance.log()).mean() / 2;
    }

    /// <summary>The mean predicted from the student: 1x1 convolutions without bias, ReLU between them.</summary>
    private sealed class Prediction : nn.Module<Tensor, Tensor>
    {
        private readonly GeneralConvolution[] layers;
        private readonly Parameter log_scale;

        public Prediction(int student, int teacher)
            : base(nameof(Prediction))
        {
            layers = [.. new[] { student, teacher, teacher }.Select(input => new GeneralConvolution(input, teacher, (1, 1)))];
            for (int i = 0; i < layers.Length; i++)
                register_module($"regressor{i}", layers[i]);
            log_scale = LayerState.Parameter(full(teacher, Math.Log(Math.Exp(5 - SmallestVariance) - 1)));
            register_parameter("log_scale", log_scale);
        }

        /// <summary>alpha for each of the teacher's channels.</summary>
        public Tensor LogScale => log_scale;

        public override Tensor forward(Tensor input)
        {
            Tensor hidden = layers[0].forward(input).relu_();
            return layers[2].forward(layers[1].forward(hidden).relu_());
        }
    }
}
