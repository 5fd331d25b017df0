using ChannelDistillation.Core;
using ChannelDistillation.Models.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>What contrastive distillation trains and remembers: two linear embeddings, and one remembered embedding per network and training image.</summary>
public sealed class ContrastiveMemory : nn.Module
{
    // Registered under their names: they are those of the state.
    private readonly EmbeddingPair embeddings;
    private readonly Tensor student_bank;
    private readonly Tensor teacher_bank;
    private readonly Tensor student_partition;
    private readonly Tensor teacher_partition;

    /// <param name="images">Training images.</param>
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
