using ChannelDistillation.Core;
using ChannelDistillation.Models;
using ChannelDistillation.Models.Layers;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Wasserstein knowledge distillation of logits (Lv et al., WKD-L, arXiv 2412.08139; constants and parameters of its code): cross-entropy with the teacher's probability of
/// the label, and the cost of moving the student's probabilities of the other classes to the teacher's, where a move between similar classes costs less:
/// mean of -p_t[label] log p_s[label] + gamma x mean of sum(plan x c), c = relu(1 - exp(-sharpness (1 - similarity))) + 1e-8. The plan is
/// that of ten iterations of Sinkhorn with the entropic regularisation 0.05, through which the gradient flows.
/// </summary>
public sealed class WassersteinLoss : Loss
{
    private const double Regularisation = 0.05;
    private const int Iterations = 10;
    private const double Epsilon = 1e-8;

    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "wkd",
            Title = "Wasserstein knowledge distillation of logits",
            Source = "Lv et al., WKD-L, arXiv 2412.08139; parameters of its code",
            Formula =
                "mean of -p_t[label] log p_s[label] + gamma x mean of sum(plan x c), plan = Sinkhorn's between q_s and q_t, q = softmax(logits / T) of the other classes, "
                + "c = 1 - exp(-sharpness (1 - similarity of two classes for the teacher))",
            Parameters =
            [
                new ParameterDescriptor.Number("gamma", 30, "Weight of the transport cost.", Minimum: 0),
                new ParameterDescriptor.Number(
                    "constant_share",
                    0,
                    "Share of the epochs in which gamma is constant; afterwards it falls to 0 along half a cosine.",
                    Minimum: 0,
                    Maximum: 1
                ),
                new ParameterDescriptor.Choice(
                    Similarity,
                    "features",
                    ["features", "logits", "classifier"],
                    "Teacher outputs that the similarities of classes are computed from: by CKA from the last stage or the logits for all training images, or from the rows of the classifier."
                ),
                new ParameterDescriptor.Number(
                    "sharpness",
                    1,
                    "How fast the cost grows with the distance of two classes.",
                    Minimum: 0,
                    AboveMinimum: true
                ),
                .. Softening.Options(2),
            ],
            DatasetDefaults =
            [
                new("cifar100")
                {
                    Parameters = new Dictionary<string, object>
                    {
                        ["gamma"] = 600.0,
                        ["temperature"] = 8.0,
                        ["constant_share"] = 0.625,
                    },
                },
                new("imagenet") { Parameters = new Dictionary<string, object> { [Similarity] = "logits" } },
            ],
            Needs = TeacherSignal.Logits,
            WhyNotPaired = WhyNotPaired,
            PairingParameters = [Similarity],
            Create = context => new WassersteinLoss(context),
        };

    private const string Similarity = "similarity";

    private readonly double gamma;
    private readonly double constantEpochs;
    private readonly int epochs;
    private readonly Softening label;
    private readonly Softening others;
    private readonly ClassDistances distances;

    private WassersteinLoss(LossContext context)
    {
        Specs.Parameters parameters = context.Parameters;
        gamma = parameters.Number("gamma");
        epochs = context.Epochs;
        constantEpochs = parameters.Number("constant_share") * epochs;
        label = new(parameters, temperature: 1);
        others = new(context);
        var similarity = Enum.Parse<ClassSimilarity>(parameters.Text(Similarity), ignoreCase: true);
        distances = new(context.ClassSimilarities(similarity), parameters.Number("sharpness"));
    }

    public override nn.Module Auxiliary => distances;

    public override Taps OfStudent => Taps.Logits;

    public override Tensor Compute(LossInput input)
    {
        Tensor labels = input.Labels.unsqueeze(1);
        Softened soft = others.Of(input);
        Tensor teacher = soft.OfTeacher("probabilities of the others", logits => logits.Without(labels).softmax(1));
        Tensor student = soft.Student.Without(labels).softmax(1);
        Tensor first = label.Of(input).CrossEntropyOfLabel(labels);
        return (first + GammaAt(input.Epoch) * Transport(student, teacher, labels)).mean();
    }

    /// <summary>gamma in an epoch, counted from 1.</summary>
    private double GammaAt(int epoch) =>
        epoch - 1 <= constantEpochs ? gamma : gamma * (1 + Math.Cos(Math.PI * (epoch - 1 - constantEpochs) / (epochs - constantEpochs))) / 2;

    /// <summary>
    /// The transport cost of each sample, [batch]. The label has no mass, so its row and column of the shared cost matrix contribute nothing: no sample needs a
    /// separate matrix; together they would take 1 GB for 256 images of 1000 classes.
    /// </summary>
    private Tensor Transport(Tensor student, Tensor teacher, Tensor labels)
    {
        Tensor cost = distances.Values;
        Tensor kernel = (cost / -Regularisation).exp();
        Tensor u = full_like(student, 1.0 / (student.shape[1] - 1)).scatter(1, labels, zeros_like(labels, dtype: student.dtype));
        Tensor v = u;
        for (int i = 0; i < Iterations; i++)
        {
            v = teacher / (u.mm(kernel) + Epsilon);
            u = student / (v.mm(kernel.t()) + Epsilon);
        }
        return (u * v.mm((kernel * cost).t())).sum(1);
    }

    private static Mismatch? WhyNotPaired(FeaturePair features, Specs.Parameters parameters) =>
        parameters.Text(Similarity) switch
        {
            "classifier" when !features.HasTeacherClassifier => Lacks("the classifier of a teacher from Python is not known"),
            "features" when features.Teacher.Count == 0 => Lacks("the teacher has no stage outputs"),
            _ => null,
        };

    private static Mismatch Lacks(string reason) => new(reason, $"set `{Similarity}: logits` for `wkd`");

    /// <summary>The costs of moving probability between classes. They are part of a run's state, so that a resumed run has identical ones.</summary>
    private sealed class ClassDistances : nn.Module
    {
        private readonly Tensor class_distances;

        /// <param name="similarities">[classes, classes].</param>
        public ClassDistances(Tensor similarities, double sharpness)
            : base(nameof(ClassDistances))
        {
            using var scope = NewDisposeScope();
            class_distances = LayerState.Buffer(((similarities - 1) * sharpness).exp().neg().add(1).relu().add(Epsilon));
            RegisterComponents();
        }

        /// <summary>[classes, classes].</summary>
        public Tensor Values => class_distances;
    }
}
