using ChannelDistillation.Data;
using ChannelDistillation.Specs;
using SkiaSharp;
using TorchSharp;
using static TorchSharp.torch;

namespace ChannelDistillation.Tracking;

/// <summary>The first images of a batch, tiled into one image.</summary>
/// <param name="Png">8 bits per channel, RGB.</param>
internal sealed record SampleImages(byte[] Png, int Width, int Height)
{
    /// <summary>Red, green and blue.</summary>
    public const int Colours = 3;

    private const int Across = 4;
    private const int Most = 8;

    /// <param name="normalization">The normalisation to undo.</param>
    public static SampleImages Of(Batch batch, NormalizationSpec normalization)
    {
        using var scope = NewDisposeScope();
        int count = (int)Math.Min(Most, batch.Images.shape[0]);
        var (channels, height, width) = ((int)batch.Images.shape[1], (int)batch.Images.shape[2], (int)batch.Images.shape[3]);
        Tensor mean = tensor(normalization.Mean.ToArray(), ScalarType.Float32).view(1, channels, 1, 1);
        Tensor std = tensor(normalization.Std.ToArray(), ScalarType.Float32).view(1, channels, 1, 1);
        Tensor shown = (batch.Images.narrow(0, 0, count).cpu() * std + mean).mul(255).round().clamp(0, 255).to(ScalarType.Byte);
        byte[] pixels = shown.permute(0, 2, 3, 1).contiguous().data<byte>().ToArray();
        int rows = (count + Across - 1) / Across;
        // Small images are enlarged by whole factors.
        int scale = Math.Max(1, 64 / Math.Max(height, width));
        using var picture = new SKBitmap(Across * width, rows * height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        for (int i = 0; i < pixels.Length / channels; i++)
        {
            var (image, y, x) = (i / (height * width), i / width % height, i % width);
            byte Channel(int channel) => pixels[(i * channels) + Math.Min(channel, channels - 1)];
            picture.SetPixel((image % Across * width) + x, (image / Across * height) + y, new SKColor(Channel(0), Channel(1), Channel(2)));
        }
        using SKBitmap scaled = picture.Resize(
            new SKImageInfo(picture.Width * scale, picture.Height * scale, SKColorType.Rgba8888, SKAlphaType.Opaque),
            new SKSamplingOptions(SKFilterMode.Nearest)
        );
        using SKData png = scaled.Encode(SKEncodedImageFormat.Png, quality: 100);
        return new(png.ToArray(), scaled.Width, scaled.Height);
    }
}
