using ChannelDistillation.Models;

namespace ChannelDistillation.Imaging;

/// <summary>
/// How one side of a picture is resized: which source pixels each result pixel is made of, and with which weights. A triangle as wide as
/// the reduction (bilinear where it enlarges, antialiased where it reduces), cut off at the picture's border; weights are fixed-point
/// numbers of 22 bits. The same numbers as Pillow's, so that results agree to the last bit. Reused from picture to picture.
/// </summary>
internal sealed class ResamplingAxis
{
    /// <summary>Weights sum to 2^22.</summary>
    public const int Precision = 22;

    private int[] first = [];
    private int[] taps = [];
    private int[] weights = [];
    private double[] shares = [];

    /// <summary>Result pixels.</summary>
    public int Length { get; private set; }

    /// <summary>Weights of result pixel i begin at i x Stride.</summary>
    public int Stride { get; private set; }

    /// <summary>First source pixel of each result pixel.</summary>
    public ReadOnlySpan<int> First => first.AsSpan(0, Length);

    /// <summary>Number of source pixels of each result pixel.</summary>
    public ReadOnlySpan<int> Taps => taps.AsSpan(0, Length);

    public ReadOnlySpan<int> Weights => weights.AsSpan(0, Length * Stride);

    /// <summary>The source pixels that are needed at all: from, and up to but without.</summary>
    public (int From, int To) Needed => (first[0], first[Length - 1] + taps[Length - 1]);

    /// <param name="source">Length of the source.</param>
    /// <param name="whole">Length that all of the source is resized to.</param>
    /// <param name="from">Of that, the first pixel wanted.</param>
    /// <param name="length">And how many.</param>
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
    /// <param name="centre">Where the triangle is highest.</param>
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
