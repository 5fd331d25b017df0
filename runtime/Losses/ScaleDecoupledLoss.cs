using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Scale-decoupled distillation (Wei, Luo, Luo, arXiv 2403.13512; form and parameters of its code): a loss on logits, applied to the whole image and to its cells. The last
/// map is averaged over 1x1, 2x2 and 4x4 cells, the classifier is applied to each, and the losses of cells and samples are averaged. A cell counts
/// more if it is complementary: if the teacher is right about the whole image and wrong about the cell, or the reverse.
/// In the paper's form a cell is complementary if the teacher sees another class in it than in the image, and cells are summed.
/// </summary>
/// <param name="loss">Applied to each cell as if it were a sample.</param>
public sealed class ScaleDecoupledLoss(SampleLoss loss, Specs.Parameters parameters) : Loss
{
    private const int FinestScale = 4;

    private readonly int scales = parameters.Integer("scales");
    private readonly double complementaryWeight = parameters.Number("complementary_weight");
    private readonly bool isPooledDirectly = parameters.Flag("direct_pooling");
    private readonly bool isOfPaper = parameters.Text("form") == "paper";

    private static IReadOnlyList<ParameterDescriptor> Options { get; } =
    [
        new ParameterDescriptor.Choice("form", "code", ["code", "paper"], "Which cells are complementary, and whether cells are averaged or summed."),
        new ParameterDescriptor.Integer(
            "scales",
            3,
            "The number of scales: 1x1, 2x2 and 4x4 cells. The authors use 2 for networks of the same family.",
            Minimum: 1,
            Maximum: 3
        ),
        new ParameterDescriptor.Number("complementary_weight", 2, "Weight of complementary cells; others have weight 1.", Minimum: 0),
        new ParameterDescriptor.Flag("direct_pooling", false, "Average larger cells over the map itself, not over its 4x4 cells."),
    ];

    /// <summary>SD-KD.</summary>
    public static LossDescriptor Descriptor { get; } =
        Describe(
            KnowledgeDistillationLoss.Descriptor,
            "knowledge distillation",
            Softening.Options(4),
            context => new KnowledgeDistillationLoss(new(context))
        ) with
        {
            DefaultWeight = 0.9,
        };

    /// <summary>SD-DKD.</summary>
    public static LossDescriptor DecoupledDescriptor { get; } =
        Describe(
            DecoupledLoss.Descriptor,
            "decoupled knowledge distillation",
            [.. DecoupledLoss.Weights, .. Softening.Options(4)],
            context => new DecoupledLoss(context)
        ) with
        {
            DefaultWarmup = 20,
            DatasetDefaults = [DecoupledLoss.OnImageNet],
        };

    /// <summary>SD-NKD.</summary>
    public static LossDescriptor NormalizedDescriptor { get; } =
        Describe(
            NormalizedLoss.Descriptor,
            "normalised knowledge distillation",
            [
                new ParameterDescriptor.Number("gamma", 8, "Weight of NKD's second part.", Minimum: 0),
                new ParameterDescriptor.Flag("keep_label", true, "Let NKD's second part include the label, as in the authors' code."),
                .. Softening.Options(4),
            ],
            context => new NormalizedLoss(context, context.Parameters.Flag("keep_label"))
        );

    private static LossDescriptor Describe(
        LossDescriptor loss,
        string title,
        IReadOnlyList<ParameterDescriptor> parameters,
        Func<LossContext, SampleLoss> create
    ) =>
        new()
        {
            Name = $"sd-{loss.Name}",
            Title = $"Scale-decoupled {title}",
            Source = "Wei et al., arXiv 2403.13512; form and parameters of its code",
            Formula =
                $"mean over samples and cells of w x {loss.Name}, cells: the last map averaged over 1x1, 2x2 and 4x4 cells, then the classifier; "
                + "w = complementary_weight if the teacher is right about exactly one of image and cell, otherwise 1",
            BuildsOn = [loss],
            Parameters = [.. parameters, .. Options],
            Needs = TeacherSignal.LogitMap,
            WhyNotPaired = (features, _) =>
                features is { HasStudentClassifier: true, HasTeacherClassifier: true }
                    ? null
                    : new(
                        "the classifiers of networks from Python, which it applies to parts of the image, are not known",
                        "choose built-in networks"
                    ),
            Create = context => new ScaleDecoupledLoss(create(context), context.Parameters),
        };

    public override Taps OfStudent => Taps.LogitMap;

    public override Tensor Compute(LossInput input)
    {
        TeacherSignals teacher = input.Teacher!;
        long cells = (1L << (2 * scales)) / 3;
        TeacherSignals ofCells = teacher.View(
            $"logits of {cells} cells{(isPooledDirectly ? ", pooled directly" : "")}",
            () => Cells(teacher.LogitMap),
            () => input.Labels.repeat_interleave(cells)
        );
        Tensor weights = ofCells.Derive($"weights {complementaryWeight:R}, {isOfPaper}", () => Weights(ofCells, cells));
        Tensor student = Cells(input.Student.LogitMap);
        Tensor losses = loss.OfSamples(input with { Student = new(student, [], null), Teacher = ofCells, Labels = ofCells.Labels });
        Tensor mean = (losses * weights).mean();
        return isOfPaper ? mean * cells : mean;
    }

    /// <summary>[batch, classes, height, width] to [batch x cells, classes]; the first cell of each sample is the whole image.</summary>
    private Tensor Cells(Tensor map)
    {
        Tensor source = isPooledDirectly ? map : map.AveragedTo(FinestScale, FinestScale);
        IEnumerable<Tensor> cells = Enumerable.Range(0, scales).Select(scale => source.AveragedTo(1 << scale, 1 << scale).flatten(2));
        return cat([.. cells], 2).transpose(1, 2).flatten(0, 1);
    }

    /// <summary>[batch x cells].</summary>
    private Tensor Weights(TeacherSignals ofCells, long cells)
    {
        Tensor seen = (isOfPaper ? ofCells.Logits.argmax(1) : ofCells.Correct).reshape(-1, cells);
        return (seen != seen.narrow(1, 0, 1)).to(ofCells.Logits.dtype).mul(complementaryWeight - 1).add(1).flatten();
    }
}
