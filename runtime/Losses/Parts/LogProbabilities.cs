using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>Log probabilities of subsets of classes, computed from logits without probabilities that could underflow.</summary>
public static class LogProbabilities
{
    /// <summary>Logits [batch, classes] with one class of each sample set to minus infinity.</summary>
    /// <param name="classes">[batch, 1], int64.</param>
    public static Tensor Without(this Tensor logits, Tensor classes) =>
        logits.scatter(1, classes, full_like(classes, double.NegativeInfinity, dtype: logits.dtype));

    /// <summary>Log probabilities among the classes with finite logits; 0 for the others, so that products of probability and logarithm are 0.</summary>
    /// <param name="logits">[batch, classes], at least one finite per sample.</param>
    public static Tensor AmongFinite(Tensor logits) => logits.log_softmax(1).masked_fill(logits.isneginf(), 0);

    /// <summary>Log probabilities of one class of each sample and of all others together; [batch, 2].</summary>
    /// <param name="classes">[batch, 1], int64.</param>
    public static Tensor OneAgainstRest(Tensor logits, Tensor classes)
    {
        Tensor all = logits.logsumexp(1, keepdim: true);
        return cat([logits.gather(1, classes) - all, logits.Without(classes).logsumexp(1, keepdim: true) - all], 1);
    }

    /// <summary>KL divergence of each sample between two matrices of log probabilities, [batch].</summary>
    public static Tensor Divergence(Tensor teacher, Tensor student) => (teacher.exp() * (teacher - student)).sum(1);
}
