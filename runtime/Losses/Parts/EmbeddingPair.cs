using TorchSharp;
using static TorchSharp.torch;
using Linear = TorchSharp.Modules.Linear;

namespace ChannelDistillation.Losses;

/// <summary>Two trained linear layers that map the embeddings of student and teacher to the same dimension.</summary>
public sealed class EmbeddingPair : nn.Module
{
    private readonly Linear student;
    private readonly Linear teacher;

    public EmbeddingPair(FeaturePair features, int dimension)
        : base(nameof(EmbeddingPair))
    {
        student = nn.Linear(features.StudentEmbedding, dimension);
        teacher = nn.Linear(features.TeacherEmbedding, dimension);
        RegisterComponents();
    }

    /// <summary>[batch, student's channels] to [batch, dimension].</summary>
    public Linear Student => student;

    /// <summary>[batch, teacher's channels] to [batch, dimension].</summary>
    public Linear Teacher => teacher;
}
