using ChannelDistillation.Models;
using ChannelDistillation.Specs;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>
/// Knowledge distillation (Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network, arXiv 1503.02531):
/// T^2 x mean over samples of KL(p_t || p_s), p = softmax(logits / T).
/// </summary>
public sealed class KnowledgeDistillationLoss(Softening softening) : SampleLoss
{
    public static LossDescriptor Descriptor { get; } =
        new()
        {
            Name = "kd",
            Title = "Knowledge distillation",
            Source = "Hinton et al., arXiv 1503.02531",
            Formula = "T^2 x mean over samples of KL(p_t || p_s), p = softmax(logits / T)",
            Parameters = Softening.TrainableOptions(4),
            Needs = TeacherSignal.Logits,
            Create = context => new KnowledgeDistillationLoss(new Softening(context)),
        };

    public override nn.Module? Auxiliary => softening.Auxiliary;

    public override Tensor OfSamples(LossInput input)
    {
        Softened logits = softening.Of(input);
        return logits.Rescale(logits.Divergence());
    }
}
