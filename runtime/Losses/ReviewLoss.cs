using ChannelDistillation.Core;
using ChannelDistillation.Models;
using ChannelDistillation.Models.Layers;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Knowledge review (Chen et al.: Distilling Knowledge via Knowledge Review, arXiv 2104.09044): each stage of the teacher is compared
/// with the student's stage fused with all deeper ones (<see cref="AttentionBasedFusion"/>), by the hierarchical context loss (HCL). Levels are
/// the stages, the teacher's before their last ReLU, and the pooled embedding. Warm-up and, on ImageNet, the student's stages before their last ReLU as
/// in mdistiller.
/// </summary>
public sealed class ReviewLoss : Loss
{
    private const int WidestFusion = 512;

    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "reviewkd",
            Title = "Knowledge review",
            Source =
                "Chen et al., arXiv 2104.09044; layers and warm-up of its code; weight: mdistiller's default, which its configurations override for each pair (5 for ResNet-32x4 -> ResNet-8x4)",
            Formula =
                "sum over stages and embedding of HCL(fusion of F_s with all deeper, F_t), HCL = mean squared error at full size, 4x4, 2x2 and 1x1, halved each time",
            Parameters = [new ParameterDescriptor.Flag("pre_activation", false, "Take the student's stages before their last ReLU, too.")],
            DefaultWarmup = 20,
            DatasetDefaults = [new("imagenet", Warmup: 1) { Parameters = new Dictionary<string, object> { ["pre_activation"] = true } }],
            Needs = TeacherSignal.PreActivations | TeacherSignal.Embedding,
            WhyNotPaired = Pairing.StageWithStage,
            Create = context => new ReviewLoss(context.Features, context.Parameters.Flag("pre_activation")),
        };

    private readonly AttentionBasedFusion[] fusions;
    private readonly Chain all;

    private readonly bool isBeforeActivation;

    private ReviewLoss(FeaturePair features, bool isBeforeActivation)
    {
        this.isBeforeActivation = isBeforeActivation;
        FeatureShape[] student = Levels(features.Student, features.StudentEmbedding);
        FeatureShape[] teacher = Levels(features.Teacher, features.TeacherEmbedding);
        int middle = Math.Min(WidestFusion, features.StudentEmbedding);
        fusions = [.. student.Select((from, level) => new AttentionBasedFusion(from, middle, teacher[level], fuses: level < student.Length - 1))];
        all = new(fusions.Select(fusion => fusion.Layers));
    }

    public override nn.Module Auxiliary => all;

    public override Taps OfStudent =>
        (isBeforeActivation ? Taps.PreActivations(fusions.Length - 1) : Taps.Stages(fusions.Length - 1)) | Taps.Embedding;

    public override Taps OfTeacher => Taps.PreActivations(fusions.Length - 1) | Taps.Embedding;

    public override Tensor Compute(LossInput input)
    {
        TeacherSignals teacher = input.Teacher!;
        Tensor? total = null;
        Tensor? deeper = null;
        for (int level = fusions.Length - 1; level >= 0; level--)
        {
            bool isStage = level < fusions.Length - 1;
            Tensor mine = isStage ? StageOf(input.Student, level) : AsMap(input.Student.Embedding);
            Tensor theirs = isStage ? teacher.PreActivation(level) : AsMap(teacher.Embedding);
            (Tensor output, deeper) = fusions[level].Fuse(mine, deeper);
            Tensor loss = HierarchicalContext(output, theirs);
            total = total is null ? loss : total + loss;
        }
        return total!;
    }

    private Tensor StageOf(ModelOutput student, int level) => isBeforeActivation ? student.PreActivations[level] : student.Features[level];

    /// <summary>HCL of two maps of one shape: mean squared errors at full size and averaged to 4x4, 2x2 and 1x1, weighted 1, 1/2, 1/4, 1/8.</summary>
    public static Tensor HierarchicalContext(Tensor student, Tensor teacher)
    {
        Tensor loss = nn.functional.mse_loss(student, teacher);
        (double weight, double total) = (1, 1);
        foreach (int size in (ReadOnlySpan<int>)[4, 2, 1])
        {
            if (size >= student.shape[2])
                continue;
            weight /= 2;
            total += weight;
            loss += weight * nn.functional.mse_loss(student.AveragedTo(size, size), teacher.AveragedTo(size, size));
        }
        return loss / total;
    }

    private static Tensor AsMap(Tensor embedding) => embedding.unsqueeze(2).unsqueeze(3);

    private static FeatureShape[] Levels(IReadOnlyList<FeatureShape> stages, int embedding) => [.. stages, new(embedding, 1, 1)];
}
