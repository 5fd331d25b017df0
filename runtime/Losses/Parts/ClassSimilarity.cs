using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Losses;

/// <summary>What a teacher's similarities between classes are computed from.</summary>
public enum ClassSimilarity
{
    /// <summary>CKA of the last stage's outputs for training images, each position a vector of channels.</summary>
    Features,

    /// <summary>CKA of the logits for training images.</summary>
    Logits,

    /// <summary>Cosines between the rows of the classifier's weights.</summary>
    Classifier,
}

/// <summary>Similarities between the classes of a teacher, [classes, classes], 1 on the diagonal.</summary>
public static class ClassSimilarities
{
    /// <summary>Most elements of a product of two classes' outputs at a time.</summary>
    private const long LargestProduct = 1 << 25;

    /// <summary>Prevents a division by 0 for a class with constant outputs, which is similar to no other.</summary>
    private const double SmallestNorm = 1e-30;

    /// <summary>
    /// Linear centred kernel alignment (Kornblith et al., arXiv 1905.00414), |Xj' Xi|^2 / (|Xi' Xi| |Xj' Xj|), Frobenius norms, columns of X centred.
    /// Row k of one class is compared with row k of another.
    /// </summary>
    /// <param name="outputs">[classes, rows, width]; centred in place, because a copy could take gigabytes.</param>
    public static Tensor Aligned(Tensor outputs)
    {
        using var scope = NewDisposeScope();
        Tensor centred = outputs.sub_(outputs.mean([1], keepdim: true));
        var (classes, rows, width) = (centred.shape[0], centred.shape[1], centred.shape[2]);
        // |Xj' Xi|^2 is also the product of the Gram matrices Xi Xi' and Xj Xj', which are smaller if there are few rows.
        Tensor squares = rows <= width ? OfGrams(centred.bmm(centred.transpose(1, 2)).flatten(1)) : OfProducts(centred, classes, width);
        Tensor norms = squares.diagonal().clamp_min(SmallestNorm).sqrt();
        Tensor similarities = squares / (norms.unsqueeze(0) * norms.unsqueeze(1));
        return similarities.MoveToOuterDisposeScope();
    }

    /// <summary>Cosines between rows.</summary>
    /// <param name="rows">[classes, width].</param>
    public static Tensor Cosines(Tensor rows)
    {
        Tensor directions = nn.functional.normalize(rows, dim: 1);
        return directions.mm(directions.t());
    }

    private static Tensor OfGrams(Tensor grams) => grams.mm(grams.t());

    private static Tensor OfProducts(Tensor centred, long classes, long width)
    {
        long atOnce = Math.Max(1, LargestProduct / (width * width));
        Tensor squares = zeros([classes, classes], dtype: centred.dtype, device: centred.device);
        for (long first = 0; first < classes; first++)
        {
            Tensor transposed = centred[first].t();
            for (long start = first; start < classes; start += atOnce)
            {
                using var scope = NewDisposeScope();
                long count = Math.Min(atOnce, classes - start);
                Tensor products = transposed.matmul(centred.narrow(0, start, count));
                Tensor row = products.square().sum([1, 2]);
                squares[first].narrow(0, start, count).copy_(row);
                squares.select(1, first).narrow(0, start, count).copy_(row);
            }
        }
        return squares;
    }
}
