using ChannelDistillation.Data;
using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Contrastive representation distillation (Tian, Krishnan, Isola, arXiv 1910.10699, section 3): distinguishes an image from many images of other
/// classes, whose embeddings are stored in a memory bank, by noise-contrastive estimation. For both networks, with N images in the set, m negatives,
/// h(i) = exp(embedding . memory of the other network at i / T) / Z:
/// - mean over samples of [log(h(own) / (h(own) + m / N)) + sum over negatives of log((m / N) / (h(i) + m / N))].
/// </summary>
public sealed class ContrastiveLoss : Loss
{
    private const double Epsilon = 1e-7;

    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "crd",
            Title = "Contrastive representation distillation",
            Source = "Tian et al., arXiv 1910.10699, and its code",
            Formula =
                "- mean of [log(h+ / (h+ + m/N)) + sum over m negatives of log((m/N) / (h + m/N))], for student and teacher, h = exp(e . memory / T) / Z",
            DefaultWeight = 0.8,
            Parameters =
            [
                new ParameterDescriptor.Integer("dimension", 128, "Dimension of the two normalised embeddings.", Minimum: 1),
                new ParameterDescriptor.Integer("negatives", 16384, "Number of negatives per image, drawn from other classes.", Minimum: 1),
                new ParameterDescriptor.Number(
                    "temperature",
                    0.07,
                    "T; lower values emphasise the most similar negatives.",
                    Minimum: 0,
                    AboveMinimum: true
                ),
                new ParameterDescriptor.Number(
                    "momentum",
                    0.5,
                    "Share of the old embedding that is kept when an entry of the memory bank is updated.",
                    0,
                    1
                ),
            ],
            Needs = TeacherSignal.Embedding,
            Create = context => new ContrastiveLoss(context),
        };

    private readonly double temperature;
    private readonly double momentum;
    private readonly NegativeSampler sampler;
    private readonly ContrastiveMemory memory;

    /// <summary>Images and embeddings of the last batch, stored after the gradient computation, which uses the old memory.</summary>
    private (Tensor Images, Tensor Student, Tensor Teacher)? pending;

    private ContrastiveLoss(LossContext context)
    {
        Specs.Parameters parameters = context.Parameters;
        temperature = parameters.Number("temperature");
        momentum = parameters.Number("momentum");
        sampler = new(context.TrainingLabels, context.Classes, parameters.Integer("negatives"), context.Seed);
        memory = new(context.Features, context.TrainingLabels.Count, parameters.Integer("dimension"), context.Seed);
    }

    public override nn.Module Auxiliary => memory;

    public override Taps OfStudent => Taps.Embedding;

    public override Data.IImageDraw Draw => sampler;

    public override Tensor Compute(LossInput input)
    {
        Tensor images = input.Draws.TryGetValue(sampler, out Tensor? drawn)
            ? drawn.to(ScalarType.Int64)
            : sampler.Sample(input.Indices.Span, input.Epoch, input.Student.Embedding.device);
        return Contrast(input.Student.Embedding, input.Teacher!.Embedding, images);
    }

    /// <summary>The loss of a batch for a given choice of negatives.</summary>
    /// <param name="student">[batch, channels], as the teacher's.</param>
    /// <param name="images">Each sample's own image first, then its negatives: positions in the training set, [batch, 1 + negatives].</param>
    public Tensor Contrast(Tensor student, Tensor teacher, Tensor images)
    {
        student = nn.functional.normalize(memory.Embeddings.Student.forward(student));
        teacher = nn.functional.normalize(memory.Embeddings.Teacher.forward(teacher));
        Tensor loss =
            Divergence(Scores(student, memory.Teacher, memory.StudentPartition, images))
            + Divergence(Scores(teacher, memory.Student, memory.TeacherPartition, images));
        pending = (images.select(1, 0), student, teacher);
        return loss;
    }

    public override void StepEnded()
    {
        if (pending is not var (own, student, teacher))
            return;
        Remember(memory.Student, own, student);
        Remember(memory.Teacher, own, teacher);
        pending = null;
    }

    /// <summary>h of each sample's own image, then of its negatives; [batch, 1 + negatives].</summary>
    /// <param name="partition">Z, set from the first batch and kept: the scores of that batch average 1 / N.</param>
    private Tensor Scores(Tensor embedding, Tensor bank, Tensor partition, Tensor images)
    {
        // Computes all similarities and then selects: this moves far less memory than gathering the vectors of the selected images.
        Tensor scores = (embedding.matmul(bank.t()).gather(1, images) / temperature).exp();
        using (no_grad())
            partition.copy_(where(partition.gt(0), partition, scores.mean() * bank.shape[0]));
        return scores / partition.clone();
    }

    /// <summary>Noise-contrastive estimation with uniform noise over the images.</summary>
    private Tensor Divergence(Tensor scores)
    {
        long negatives = scores.shape[1] - 1;
        double noise = (double)negatives / memory.Student.shape[0];
        Tensor own = scores.narrow(1, 0, 1);
        Tensor others = scores.narrow(1, 1, negatives);
        Tensor right = (own / (own + noise + Epsilon)).log().sum();
        Tensor wrong = (noise / (others + noise + Epsilon)).log().sum();
        return -(right + wrong) / scores.shape[0];
    }

    private void Remember(Tensor bank, Tensor images, Tensor embeddings)
    {
        using var noGradient = no_grad();
        Tensor mixed = momentum * bank.index_select(0, images) + (1 - momentum) * embeddings;
        bank.index_copy_(0, images, nn.functional.normalize(mixed));
    }
}
