using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>Logarithms of probabilities of some classes, made from logits without a probability that could underflow.</summary>
public static class LogProbabilities
{
    /// <summary>Logits [batch, classes] with minus infinity for one class of each sample.</summary>
    /// <param name="classes">[batch, 1], int64.</param>
    public static Tensor Without(this Tensor logits, Tensor classes) =>
        logits.scatter(1, classes, full_like(classes, double.NegativeInfinity, dtype: logits.dtype));

    /// <summary>Those of the classes whose logit is finite, among themselves; 0 for the others, so that a product of probability and logarithm is 0 there.</summary>
    /// <param name="logits">[batch, classes], one or more of each sample finite.</param>
    public static Tensor AmongFinite(Tensor logits) => logits.log_softmax(1).masked_fill(logits.isneginf(), 0);

    /// <summary>Those of one class of each sample, and of all its others together; [batch, 2].</summary>
    /// <param name="classes">[batch, 1], int64.</param>
    public static Tensor OneAgainstRest(Tensor logits, Tensor classes)
    {
        Tensor all = logits.logsumexp(1, keepdim: true);
        return cat([logits.gather(1, classes) - all, logits.Without(classes).logsumexp(1, keepdim: true) - all], 1);
    }

    /// <summary>KL of each sample between two matrices of logarithms, [batch].</summary>
    public static Tensor Divergence(Tensor teacher, Tensor student) => (teacher.exp() * (teacher - student)).sum(1);
}
