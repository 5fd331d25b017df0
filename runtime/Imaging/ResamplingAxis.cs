using ChannelDistillation.Models;

namespace ChannelDistillation.Imaging;

/// <summary>
/// Resampling along one axis: the source pixels of each result pixel and their weights. A triangle filter as wide as
/// the reduction factor (bilinear when enlarging, antialiased when reducing), clipped at the image's border; weights are 22-bit fixed-point
/// numbers. Identical to Pillow's, so that results are bit-identical. Reused between images.
/// </summary>
internal sealed class ResamplingAxis
{
    /// <summary>Weights sum to 2^22.</summary>
    public const int Precision = 22;

    private int[] first = [];
    private int[] taps = [];
    private int[] weights = [];
    private double[] shares = [];

    /// <summary>Number of result pixels.</summary>
    public int Length { get; private set; }

    /// <summary>Weights of result pixel i begin at i x Stride.</summary>
    public int Stride { get; private set; }

    /// <summary>First source pixel of each result pixel.</summary>
    public ReadOnlySpan<int> First => first.AsSpan(0, Length);

    /// <summary>Number of source pixels of each result pixel.</summary>
    public ReadOnlySpan<int> Taps => taps.AsSpan(0, Length);

    public ReadOnlySpan<int> Weights => weights.AsSpan(0, Length * Stride);

    /// <summary>Range of source pixels that are used; `To` is exclusive.</summary>
    public (int From, int To) Needed => (first[0], first[Length - 1] + taps[Length - 1]);

    /// <param name="source">Length of the source.</param>
    /// <param name="whole">Length that the whole source is resized to.</param>
    /// <param name="from">First result pixel within that length.</param>
    /// <param name="length">Number of result pixels.</param>
    public void Set(int source, int whole, int from, int length)
    {
        var scale = (double)source / whole;
        var support = Math.Max(scale, 1);
        Length = length;
        Stride = (int)Math.Ceiling(support) * 2 + 1;
        Grow();
        for (var i = 0; i < length; i++)
        {
            var centre = (from + i + 0.5) * scale;
            var low = Math.Max((int)(centre - support + 0.5), 0);
            var high = Math.Min((int)(centre + support + 0.5), source);
            (first[i], taps[i]) = (low, high - low);
            Weigh(low, centre, 1 / support, shares.AsSpan(0, high - low), weights.AsSpan(i * Stride));
        }
    }

    /// <param name="low">First source pixel.</param>
    /// <param name="centre">Centre of the triangle.</param>
    /// <param name="slope">One over half its width.</param>
    private static void Weigh(int low, double centre, double slope, Span<double> shares, Span<int> weights)
    {
        var sum = 0.0;
        for (var k = 0; k < shares.Length; k++)
        {
            shares[k] = Math.Max(1 - Math.Abs((k + low - centre + 0.5) * slope), 0);
            sum += shares[k];
        }

        for (var k = 0; k < shares.Length; k++)
        {
            weights[k] = (int)(0.5 + shares[k] / sum * (1 << Precision));
        }
    }

    private void Grow()
    {
        if (first.Length < Length)
        {
            (first, taps) = (new int[Length], new int[Length]);
        }

        if (weights.Length < Length * Stride)
        {
            weights = new int[Length * Stride];
        }

        if (shares.Length < Stride)
        {
            shares = new double[Stride];
        }
    }
}
