using ChannelDistillation.Core;
using ChannelDistillation.Specs;

namespace ChannelDistillation.Imaging;

/// <summary>A rectangle of pixels.</summary>
internal readonly record struct CropWindow(int Left, int Top, int Width, int Height)
{
    private const int Tries = 10;

    /// <summary>
    /// A random crop as in torchvision's RandomResizedCrop: uniform area, log-uniform aspect ratio, uniform
    /// position. After ten draws that do not fit: the largest centre crop whose aspect ratio is within bounds.
    /// </summary>
    public static CropWindow Random(int width, int height, ResizedCropSpec crop, ref Randomness random)
    {
        var (narrowest, widest) = (Math.Log(crop.MinAspect), Math.Log(crop.MaxAspect));
        for (var i = 0; i < Tries; i++)
        {
            var area = (double)width * height * Between(crop.MinArea, crop.MaxArea, random.NextDouble());
            var aspect = Math.Exp(Between(narrowest, widest, random.NextDouble()));
            var wide = (int)Math.Round(Math.Sqrt(area * aspect));
            var high = (int)Math.Round(Math.Sqrt(area / aspect));
            if (wide > 0 && wide <= width && high > 0 && high <= height)
            {
                var top = random.Next(height - high + 1);
                return new(random.Next(width - wide + 1), top, wide, high);
            }
        }

        return Middle(width, height, crop.MinAspect, crop.MaxAspect);
    }

    /// <summary>Position of a centred window; half pixels are rounded to even, as in torchvision's CenterCrop.</summary>
    public static int Centred(int length, int window) => (int)Math.Round((length - window) / 2.0);

    private static CropWindow Middle(int width, int height, double minAspect, double maxAspect)
    {
        var aspect = (double)width / height;
        var wide = aspect > maxAspect ? Math.Max(1, (int)Math.Round(height * maxAspect)) : width;
        var high = aspect < minAspect ? Math.Max(1, (int)Math.Round(width / minAspect)) : height;
        return new((width - wide) / 2, (height - high) / 2, wide, high);
    }

    private static double Between(double low, double high, double share) => low + (high - low) * share;
}

/// <summary>Resizing by the shorter side; the longer one is scaled in proportion and rounded down, as in torchvision's Resize.</summary>
internal static class ShortSide
{
    public static (int Width, int Height) Resized(int width, int height, int side) =>
        width <= height ? (side, (int)((long)side * height / width)) : ((int)((long)side * width / height), side);
}
