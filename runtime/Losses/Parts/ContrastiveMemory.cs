using ChannelDistillation.Core;
using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>The state of contrastive distillation: two linear embeddings, and a memory bank per network with one embedding per training image.</summary>
public sealed class ContrastiveMemory : nn.Module
{
    // Field names are the names in the state.
    private readonly EmbeddingPair embeddings;
    private readonly Tensor student_bank;
    private readonly Tensor teacher_bank;
    private readonly Tensor student_partition;
    private readonly Tensor teacher_partition;

    /// <param name="images">Number of training images.</param>
    public ContrastiveMemory(FeaturePair features, int images, int dimension, long seed)
        : base(nameof(ContrastiveMemory))
    {
        embeddings = new(features, dimension);
        student_bank = LayerState.Buffer(Bank(images, dimension, seed, 0));
        teacher_bank = LayerState.Buffer(Bank(images, dimension, seed, 1));
        student_partition = LayerState.Buffer(zeros(1));
        teacher_partition = LayerState.Buffer(zeros(1));
        RegisterComponents();
    }

    public EmbeddingPair Embeddings => embeddings;

    /// <summary>[images, dimension].</summary>
    public Tensor Student => student_bank;

    /// <summary>[images, dimension].</summary>
    public Tensor Teacher => teacher_bank;

    /// <summary>Z of the student's scores; 0 before the first batch.</summary>
    public Tensor StudentPartition => student_partition;

    /// <summary>Z of the teacher's scores; 0 before the first batch.</summary>
    public Tensor TeacherPartition => teacher_partition;

    /// <summary>Uniform within +-1 / sqrt(dimension / 3): vectors of length about 1.</summary>
    private static Tensor Bank(int images, int dimension, long seed, long index)
    {
        using var random = new torch.Generator(new Randomness(seed, Purpose.Memory, index: index).NextBits(), CPU);
        double bound = 1 / Math.Sqrt(dimension / 3.0);
        return empty(images, dimension).uniform_(-bound, bound, random);
    }
}
